/** The parts of a player, as elements without anything in them yet. */
import { STATES } from '../../recording/recording.js';
import { STATE_TITLES } from './player-text.js';

/** An element with a class, attributes and children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string> = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

const button = (text: string, label: string) =>
  make('button', { type: 'button', 'aria-label': label, title: label }, text);

/** Cycles per second. */
const SPEEDS = [1, 2, 5, 10, 20, 60, 200, 1000];

const KEYS =
  'Point at a core for what it does, choose one for its program. On the picture: space plays, comma and full stop step, Home and End go to the ends, arrow keys choose a core, Escape none.';

export function partsOf(colors: readonly number[]) {
  const speed = make('select', { 'aria-label': 'Cycles per second' });
  for (const of of SPEEDS) speed.append(new Option(`${of} cycles/s`, String(of)));
  speed.value = '10';
  const controls = {
    first: button('|<', 'First cycle'),
    back: button('<', 'One cycle back'),
    play: button('play', 'Play'),
    step: button('>', 'One cycle on'),
    last: button('>|', 'Last cycle'),
    speed,
    cycle: make('input', { type: 'number', 'aria-label': 'Cycle' }),
    path: make('button', { type: 'button', 'aria-pressed': 'false' }, 'critical path'),
  };
  const all = make('button', { type: 'button', 'data-color': 'all' }, 'all');
  const chips = colors.map((color) => {
    const swatch = make('canvas', { width: '14', height: '14', 'aria-hidden': 'true' });
    return make('button', { type: 'button', 'data-color': String(color) }, swatch, ` ${color}`);
  });
  const legend = STATES.map((state) => {
    const swatch = make('canvas', { width: '16', height: '16', 'data-state': state });
    return make('span', { class: 'key-state' }, swatch, ` ${STATE_TITLES[state]}`);
  });
  return {
    ...controls,
    all,
    chips,
    legend,
    overview: make('canvas', { class: 'overview', 'aria-hidden': 'true' }),
    scrub: make('input', { type: 'range', 'aria-label': 'Cycle', step: '1' }),
    says: make('p', { class: 'says', role: 'status' }),
    onPath: make('p', { class: 'soft on-path' }),
    cut: make('p', { class: 'soft' }),
    mesh: make('canvas', {
      ...{ class: 'mesh', tabindex: '0', role: 'application', 'aria-label': 'Cores and wavelets' },
    }),
    pointed: make('p', { class: 'pointed' }, KEYS),
    core: make('div', { class: 'core' }),
    table: make('tbody'),
    cores: make('details'),
    keys: KEYS,
  };
}

export type Parts = ReturnType<typeof partsOf>;

/** Puts the parts where they belong. */
export function layOut(parts: Parts, head: readonly string[], hasPath: boolean): HTMLElement {
  const { first, back, play, step, last, speed, cycle, path, all, chips, legend } = parts;
  parts.path.hidden = !hasPath;
  const columns = head.map((name) => make('th', { scope: 'col' }, name));
  parts.cores.append(
    make('summary', {}, 'Every core in this cycle, as a table'),
    make(
      'div',
      { class: 'wide', tabindex: '0', role: 'group', 'aria-label': 'Every core' },
      make('table', { class: 'words' }, make('thead', {}, make('tr', {}, ...columns)), parts.table),
    ),
  );
  const group = (label: string, ...children: Node[]) =>
    make('span', { role: 'group', 'aria-label': label, class: 'group' }, ...children);
  return make(
    'div',
    { class: 'player' },
    make(
      'div',
      { class: 'controls' },
      group('Playing', first, back, play, step, last),
      speed,
      make('label', {}, 'cycle ', cycle),
      path,
    ),
    make('div', { class: 'time' }, parts.overview, parts.scrub),
    parts.says,
    parts.onPath,
    parts.cut,
    make(
      'div',
      { class: 'controls' },
      make('span', { class: 'soft' }, 'colours'),
      group('Colours that are shown', all, ...chips),
    ),
    make('div', { class: 'controls soft' }, ...legend),
    make(
      'div',
      { class: 'stage' },
      make('div', {}, make('div', { class: 'wide' }, parts.mesh), parts.pointed),
      parts.core,
    ),
    parts.cores,
  );
}
