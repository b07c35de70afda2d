/** A decode step in time, as a section of a report. */
import type { RunDetail, StageSpan } from './detail.js';
import type { PathEntry } from './document.js';
import { escapeHtml } from './html-escape.js';
import { folded, table } from './html-tables.js';
import { timeline, wholeStep } from './html-timeline.js';
import { count } from './numbers.js';
import { STRETCHES } from './spent.js';

const HINT =
  'Point at a bar for its stage and operator; a click zooms to it and shows its region on the map. Two fingers, control and the wheel, or + and - zoom, drag or the arrow keys move, 0 shows all.';

export function timelineOf({ stages, cycles, others = [] }: RunDetail, hasPath: boolean): string {
  const spent = hasPath
    ? 'Of the critical path: compute with set-up, communication (flight and hand-off), waiting (for a turn on a link, for room beyond it, for other tokens).'
    : 'Of the operators: how much of each its busiest core computes; the rest, its waiting too, is communication; waiting is what lies between.';
  const step = { cycles, stages, ...(others.length > 0 && { others }) };
  return `<p class="soft">In cycles of the step, simulated. A stage lasts from its first sender's start to its last core's end; dark and light parts are its operators, each to the end of its slowest core. ${spent}${othersText(others.length)}</p>
<div class="controls"><label>operator <select id="operator"><option value="">all</option></select></label>
<span><button id="time-in" aria-label="Zoom into the time">+</button> <button id="time-out" aria-label="Zoom out of the time">-</button> <button id="time-all">whole step</button></span>
<span class="keys"><span class="key compute"></span>compute <span class="key communication"></span>communication <span class="key waiting"></span>waiting</span></div>
<div class="wide" id="timeline" tabindex="0" role="group" aria-label="Timeline of a token">${timeline(step, wholeStep(step))}</div>
<p id="stage" role="status" aria-live="polite">${HINT}</p>
${stagesTable(stages)}`;
}

function othersText(others: number): string {
  if (others === 0) return '';
  const tokens = others === 1 ? 'token' : `${count(others)} tokens`;
  return ` Thin grey lines below the bars: the ${tokens} of other users that are under way meanwhile.`;
}

function stagesTable(stages: readonly StageSpan[]): string {
  const rows = stages.map(({ name, wafer, region, start, end, operators }) => {
    const longest = operators.reduce(
      (most, one) => (one.end - one.start > most.end - most.start ? one : most),
      operators[0] ?? { name: '-', start: 0, end: 0 },
    );
    const place = `${region}, wafer ${wafer}`;
    const times = [start, end, end - start].map((cycle) => count(cycle));
    const text = `${longest.name}, ${count(longest.end - longest.start)}`;
    return [escapeHtml(name), escapeHtml(place), ...times, escapeHtml(text)];
  });
  const head = ['stage', 'region', 'from cycle', 'to cycle', 'cycles', 'longest operator, cycles'];
  return folded('The timeline as a table', table(head, rows, { caption: 'Stages of a token' }));
}

/** The critical path as a page has it: a kind and its cycles, again and again, neighbours of one kind as one. */
export function stretchesOfPath(path: readonly PathEntry[]): number[] {
  const stretches: number[] = [];
  for (const { kind, cycles } of path) {
    const number = STRETCHES.indexOf(kind);
    if (stretches.at(-2) === number) stretches[stretches.length - 1] += cycles;
    else stretches.push(number, cycles);
  }
  return stretches;
}
