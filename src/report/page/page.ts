/** What a report's page does when its reader points, zooms and chooses. */
import { byId, canvas, dark, data, draw, limited, show, shown, tell, view } from './map.js';

function zoomAt(factor: number, x: number, y: number): void {
  view.fit = false;
  const scale = limited(view.scale * factor);
  view.x = x - ((x - view.x) * scale) / view.scale;
  view.y = y - ((y - view.y) * scale) / view.scale;
  view.scale = scale;
  draw();
}

const zoomMiddle = (factor: number) => zoomAt(factor, canvas.width / 2, canvas.height / 2);

function zoomToRegion(): void {
  const r = shown.wafer.regions[shown.region];
  view.fit = !r;
  if (!r) return;
  view.scale = limited(0.9 * Math.min(canvas.width / r.width, canvas.height / r.height));
  view.x = canvas.width / 2 - (r.x + r.width / 2) * view.scale;
  view.y = canvas.height / 2 - (r.y + r.height / 2) * view.scale;
}

function fillRegions(): void {
  const options = shown.wafer.regions.map(({ name }, i) => new Option(name, String(i)));
  byId('region').replaceChildren(new Option('whole wafer', '-1'), ...options);
}

/** A point of the canvas in its own pixels. */
function pointOf(event: MouseEvent): [x: number, y: number] {
  const ratio = canvas.width / canvas.clientWidth;
  return [event.offsetX * ratio, event.offsetY * ratio];
}

function hover(x: number, y: number): void {
  const { wafer } = shown;
  const column = Math.floor((x - view.x) / view.scale);
  const row = Math.floor((y - view.y) / view.scale);
  const inside = column >= 0 && row >= 0 && column < wafer.width && row < wafer.height;
  shown.hovered = inside ? row * wafer.width + column : -1;
  draw();
  tell();
}

/** Pixels by which a key moves the view. */
const STEPS: Record<string, ['x' | 'y', number] | undefined> = {
  ArrowLeft: ['x', 60],
  ArrowRight: ['x', -60],
  ArrowUp: ['y', 60],
  ArrowDown: ['y', -60],
};

let dragged: [x: number, y: number] | undefined;
canvas.addEventListener('pointerdown', (event) => {
  canvas.setPointerCapture(event.pointerId);
  dragged = pointOf(event);
});
canvas.addEventListener('pointerup', () => (dragged = undefined));
canvas.addEventListener('pointercancel', () => (dragged = undefined));
canvas.addEventListener('pointermove', (event) => {
  const [x, y] = pointOf(event);
  if (dragged) {
    view.x += x - dragged[0];
    view.y += y - dragged[1];
    dragged = [x, y];
  }
  hover(x, y);
});
canvas.addEventListener('pointerleave', () => hover(NaN, NaN));
canvas.addEventListener(
  'wheel',
  (event) => {
    event.preventDefault();
    zoomAt(Math.exp(-event.deltaY / 300), ...pointOf(event));
  },
  { passive: false },
);
canvas.addEventListener('keydown', (event) => {
  const step = STEPS[event.key];
  if (!step && !'+-=0'.includes(event.key)) return;
  event.preventDefault();
  if (step) view[step[0]] += step[1];
  else if (event.key === '0') view.fit = true;
  else {
    zoomMiddle(event.key === '-' ? 0.8 : 1.25);
    return;
  }
  draw();
});
byId('in').addEventListener('click', () => zoomMiddle(1.5));
byId('out').addEventListener('click', () => zoomMiddle(1 / 1.5));
byId('fit').addEventListener('click', () => {
  view.fit = true;
  draw();
});
for (const button of document.querySelectorAll<HTMLElement>('[data-quantity]'))
  button.addEventListener('click', () => {
    shown.quantity = Number(button.dataset['quantity']);
    for (const other of document.querySelectorAll('[data-quantity]'))
      other.setAttribute('aria-pressed', String(other === button));
    void show();
  });
document.getElementById('path')?.addEventListener('click', (event) => {
  shown.path = !shown.path;
  (event.currentTarget as HTMLElement).setAttribute('aria-pressed', String(shown.path));
  draw();
});
byId('region').addEventListener('change', (event) => {
  shown.region = Number((event.target as HTMLSelectElement).value);
  zoomToRegion();
  void show();
});
byId('wafer').addEventListener('change', (event) => {
  shown.wafer = data.wafers[Number((event.target as HTMLSelectElement).value)];
  shown.region = -1;
  shown.hovered = -1;
  view.fit = true;
  shown.picture = undefined;
  fillRegions();
  void show();
});
dark.addEventListener('change', () => void show());
new ResizeObserver(() => {
  canvas.width = Math.round(canvas.clientWidth * devicePixelRatio);
  canvas.height = Math.round(canvas.clientHeight * devicePixelRatio);
  draw();
}).observe(canvas);
fillRegions();
void show();
