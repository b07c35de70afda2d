/** The chosen core next to the picture: what it does, its queues, and its program with the operation that it is at. */
import { type Replay, type Moment } from '../../recording/replay.js';
import { STATES } from '../../recording/recording.js';
import { make } from './player-parts.js';
import {
  STATE_TITLES,
  fillsOf,
  listOf,
  nameOfCore,
  operationText,
  queueName,
} from './player-text.js';

export interface CorePanel {
  show(moment: Moment, core: number): void;
}

/** Fills an element with what a core does; its program is written out when another core is chosen. */
export function createCorePanel(element: HTMLElement, { recording }: Replay): CorePanel {
  let shown = -1;
  let lines: HTMLElement[] = [];
  const title = make('h3');
  const does = make('p');
  const queues = make('tbody');
  const head = ['queue', 'colour', 'stand', 'coming'].map((name) =>
    make('th', { scope: 'col' }, name),
  );
  const table = make('table', {}, make('thead', {}, make('tr', {}, ...head)), queues);
  const program = make('ol', { start: '0', tabindex: '0', 'aria-label': 'Operations' });
  const memory = make('ul');
  const hint = make('p', { class: 'soft' }, 'No core is chosen.');

  function list(core: number): void {
    const { name, memory: rest } = recording.roles[recording.roleOf[core]];
    title.textContent = `${nameOfCore(recording, core)}: ${name}`;
    lines = listOf(recording, core).map((line) => make('li', {}, line));
    program.replaceChildren(...lines);
    memory.replaceChildren(...rest.map((line) => make('li', {}, line)));
    const folded = make('details', {}, make('summary', {}, 'Its memory and routes'), memory);
    element.replaceChildren(title, does, table, program, folded);
  }

  function show(moment: Moment, core: number): void {
    if (core < 0) {
      if (shown !== core || !hint.isConnected) element.replaceChildren(hint);
      shown = core;
      return;
    }
    if (shown !== core) list(core);
    shown = core;
    does.textContent = `${STATE_TITLES[STATES[moment.state[core]]]}, ${operationText(recording, moment, core).split(':')[0]}`;
    const rows = fillsOf(moment, core).map(({ port, color, stands, comes }) => {
      const cells = [color, `${stands} of ${recording.queueDepth}`, comes].map((text) =>
        make('td', {}, String(text)),
      );
      return make('tr', {}, make('th', { scope: 'row' }, queueName(port)), ...cells);
    });
    const none = () => make('tr', {}, make('td', { colspan: '4' }, 'all empty'));
    queues.replaceChildren(...(rows.length > 0 ? rows : [none()]));
    mark(lines[moment.operation[core]]);
  }

  /** The operation that the core is at, in sight without moving the page. */
  function mark(line: HTMLElement | undefined): void {
    const before = program.querySelector('[aria-current]');
    if (before === (line ?? null)) return;
    before?.removeAttribute('aria-current');
    if (line === undefined) return;
    line.setAttribute('aria-current', 'step');
    const top = line.offsetTop - program.offsetTop;
    const isSeen =
      top >= program.scrollTop &&
      top + line.offsetHeight <= program.scrollTop + program.clientHeight;
    if (!isSeen) program.scrollTop = top - program.clientHeight / 3;
  }

  return { show };
}
