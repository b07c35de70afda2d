/** Moving and zooming what an element shows: with a pointer, with two fingers, with the wheel. */

export type Point = readonly [x: number, y: number];

export interface Gestures {
  /** By so many pixels. */
  move: (dx: number, dy: number) => void;
  /** About this point of the element. */
  zoom: (factor: number, at: Point) => void;
  /** The pointer is here; nowhere: undefined. */
  point?: (at: Point | undefined) => void;
  /** Pressed and let go in one place. */
  click?: (at: Point, target: EventTarget | null) => void;
  /** Whether the wheel zooms without the control key, as it does with it. */
  wheelZooms: boolean;
  /** Pixels of what is drawn for one of the page's. */
  ratio?: () => number;
}

/** Pixels that a pointer may move in a click. */
const STILL = 5;

/** Listens to an element; its `touch-action` says what is left to the browser. */
export function listen(element: HTMLElement, gestures: Gestures): void {
  const { move, zoom, point, click, wheelZooms, ratio = () => 1 } = gestures;
  const fingers = new Map<number, Point>();
  let begun: Point | undefined;
  let isStill = false;
  const pointOf = (event: MouseEvent): Point => {
    const { left, top } = element.getBoundingClientRect();
    const by = ratio();
    const [x, y] = [
      event.clientX - left - element.clientLeft,
      event.clientY - top - element.clientTop,
    ];
    return [x * by, y * by];
  };
  const end = (event: PointerEvent) => {
    if (event.type === 'pointerup' && fingers.size === 1 && isStill)
      click?.(pointOf(event), event.target);
    fingers.delete(event.pointerId);
  };
  element.addEventListener('pointerdown', (event) => {
    const at = pointOf(event);
    fingers.set(event.pointerId, at);
    isStill = fingers.size === 1;
    begun = at;
  });
  element.addEventListener('pointerup', end);
  element.addEventListener('pointercancel', end);
  element.addEventListener('pointermove', (event) => {
    const at = pointOf(event);
    const before = fingers.get(event.pointerId);
    if (before !== undefined) {
      if (begun && distance(at, begun) > STILL * ratio()) isStill = false;
      // Captured only now: a captured pointer's click has the element as its target, and not what is in it.
      if (!isStill && !element.hasPointerCapture(event.pointerId))
        element.setPointerCapture(event.pointerId);
      const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
      if (other === undefined) {
        if (!isStill) move(at[0] - before[0], at[1] - before[1]);
      } else {
        isStill = false;
        zoom(distance(at, other) / Math.max(1, distance(before, other)), middle(at, other));
        move((at[0] - before[0]) / 2, (at[1] - before[1]) / 2);
      }
      if (!isStill || other !== undefined) fingers.set(event.pointerId, at);
    }
    point?.(at);
  });
  // Two fingers are for what is drawn, not for the page, also where one finger moves the page.
  for (const type of ['touchstart', 'touchmove'] as const)
    element.addEventListener(
      type,
      (event) => {
        if (event.touches.length > 1) event.preventDefault();
      },
      { passive: false },
    );
  element.addEventListener('pointerleave', () => point?.(undefined));
  element.addEventListener(
    'wheel',
    (event) => {
      if (!wheelZooms && !event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      zoom(Math.exp(-event.deltaY / 300), pointOf(event));
    },
    { passive: false },
  );
}

function distance([ax, ay]: Point, [bx, by]: Point): number {
  return Math.hypot(ax - bx, ay - by);
}

function middle([ax, ay]: Point, [bx, by]: Point): Point {
  return [(ax + bx) / 2, (ay + by) / 2];
}
