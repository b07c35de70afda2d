/**
 * A token's step in time as SVG: what its critical path is spent on, and a row per region in the order of its path with
 * a bar per stage, whose segments are its operators. A page's script draws it again for the part that is looked at.
 */
import { count } from './numbers.js';
import { escapeHtml } from './html-escape.js';
import { px } from './html-floor.js';
import type { StageSpan } from './detail.js';
import type { StepData } from './page/data.js';
import { shareOverTime, SPENT, stretchesOf } from './spent.js';

/** What part of a step is drawn, how wide, and what stands out. */
export interface TimelineView {
  /** Cycles of the step. */
  from: number;
  to: number;
  /** Pixels, of the names too. */
  width: number;
  /** All other operators are pale. */
  operator?: string | undefined;
  /** Whose row is marked. */
  region?: { wafer: number; name: string } | undefined;
}

const ROW = 15;
const TOP = 20;
const LANE = 34;
/** Pixels of a part of time in the lane above the rows. */
const BIN = 3;
/** What is drawn of an operator at least. */
const LEAST_WIDTH = 0.4;

/** All of a step. */
export function wholeStep({ cycles, stages }: StepData, width = 1080): TimelineView {
  return { from: 0, to: Math.max(cycles, ...stages.map((stage) => stage.end)), width };
}

export function timeline(step: StepData, view: TimelineView = wholeStep(step)): string {
  const left = leftOf(view);
  const right = view.width - 8;
  const at = (cycle: number) =>
    left + ((cycle - view.from) / (view.to - view.from)) * (right - left);
  const rows = [...new Set(step.stages.map(rowOf))];
  const high = TOP + LANE + rows.length * ROW;
  const drawn = {
    ...{ view, rows, at, left, right },
    clip: (cycle: number) => Math.min(right, Math.max(left, at(cycle))),
  };
  const parts = [
    ...grid(drawn, high),
    ...names(step, drawn),
    lane(step, drawn),
    ...(step.others ?? []).map((other) => passing(step, other.stages, drawn)),
    ...step.stages.map((stage, i) => bar(stage, i, drawn)),
  ];
  const label = `Timeline of a token, cycle ${count(Math.round(view.from))} to ${count(Math.round(view.to))}`;
  return `<svg role="img" aria-label="${label}" class="timeline" width="${view.width}" height="${high + 6}">${parts.join('\n')}</svg>`;
}

/** Pixels of the names. */
export function leftOf({ width }: Pick<TimelineView, 'width'>): number {
  return width < 600 ? 74 : 130;
}

interface Drawn {
  view: TimelineView;
  rows: string[];
  left: number;
  right: number;
  at: (cycle: number) => number;
  /** The same inside the drawing. */
  clip: (cycle: number) => number;
}

function grid({ view, at, left, right }: Drawn, high: number): string[] {
  const ticks = right - left < 500 ? 2 : 5;
  return Array.from({ length: ticks + 1 }, (_, i) => {
    const cycle = view.from + (i * (view.to - view.from)) / ticks;
    const anchor = i === ticks ? 'end' : i === 0 ? 'start' : 'middle';
    const x = px(at(cycle));
    return `<line class="grid" x1="${x}" x2="${x}" y1="16" y2="${high}"/><text class="scale" x="${x}" y="12" text-anchor="${anchor}">${count(Math.round(cycle))}</text>`;
  });
}

function names({ stages }: StepData, { rows, view, left }: Drawn): string[] {
  const most = Math.floor(left / 6.3);
  const isMarked = (stage: StageSpan) =>
    stage.region === view.region?.name && stage.wafer === view.region.wafer;
  const labels = rows.map((row, i) => {
    const stage = stages.find((one) => rowOf(one) === row)!;
    const style = isMarked(stage) ? ' class="marked"' : '';
    return `<text${style} x="0" y="${TOP + LANE + i * ROW + 11}">${escapeHtml(cut(stage.region, most))}</text>`;
  });
  return [`<text x="0" y="${TOP + 14}">${cut('its time', most)}</text>`, ...labels];
}

/** What the token's time is spent on, from the bottom: compute, communication, waiting. */
function lane(step: StepData, { view, left, right }: Drawn): string {
  const bins = Math.max(1, Math.floor((right - left) / BIN));
  const width = (right - left) / bins;
  const shares = shareOverTime(stretchesOf(step), view.from, view.to, bins);
  const floor = TOP + LANE - 6;
  const high = LANE - 8;
  const below = new Float64Array(bins);
  return SPENT.map((name, kind) => {
    let path = '';
    for (let i = 0; i < bins; i++) {
      const share = shares[kind][i];
      if (share > 0) {
        const y = floor - (below[i] + share) * high;
        path += `M${px(left + i * width)} ${px(y)}h${px(width)}v${px(share * high)}h${px(-width)}z`;
      }
      below[i] += share;
    }
    return `<path class="${name}" d="${path}"/>`;
  }).join('');
}

export function rowOf({ wafer, region }: StageSpan): string {
  return `${wafer} ${region}`;
}

function bar(stage: StageSpan, index: number, drawn: Drawn): string {
  const { view, rows, clip } = drawn;
  if (stage.end <= view.from || stage.start >= view.to) return '';
  const y = TOP + LANE + rows.indexOf(rowOf(stage)) * ROW + 1;
  const title = stageText(stage);
  const segments = stage.operators.map((operator, i) => {
    const [x, end] = [clip(operator.start), clip(operator.end)];
    if (end - x < LEAST_WIDTH) return '';
    const isPale = view.operator !== undefined && view.operator !== operator.name;
    const opacity = isPale ? 0.15 : i % 2 === 0 ? 0.95 : 0.6;
    return `<rect class="compute" fill-opacity="${opacity}" data-stage="${index}" data-operator="${i}" x="${px(x)}" y="${y}" width="${px(end - x)}" height="9"><title>${escapeHtml(`${title}\n${operatorText(operator)}`)}</title></rect>`;
  });
  const [x, end] = [clip(stage.start), clip(stage.end)];
  const whole = `<rect class="region" data-stage="${index}" x="${px(x)}" y="${y}" width="${px(end - x)}" height="9"/>`;
  return `<g><title>${escapeHtml(title)}</title>${whole}${segments.join('')}</g>`;
}

/** Other tokens' stays on the regions, below the token's own. */
function passing(
  { stages }: StepData,
  spans: { start: number; end: number }[],
  drawn: Drawn,
): string {
  const { view, rows, clip } = drawn;
  const path = spans.map(({ start, end }, i) => {
    if (end <= view.from || start >= view.to || stages[i] === undefined) return '';
    const y = TOP + LANE + rows.indexOf(rowOf(stages[i])) * ROW + 11;
    const x = clip(start);
    return `M${px(x)} ${y}h${px(Math.max(0.5, clip(end) - x - 0.5))}v2.5H${px(x)}z`;
  });
  return `<path class="other" d="${path.join('')}"/>`;
}

export function stageText({ name, start, end }: StageSpan): string {
  return `${name}: cycle ${count(start)} to ${count(end)}, ${count(end - start)} cycles`;
}

export function operatorText({
  name,
  start,
  end,
  compute,
}: StageSpan['operators'][number]): string {
  return `${name}: ${count(end - start)} cycles, ${count(compute)} of them compute`;
}

function cut(name: string, most: number): string {
  return name.length > most ? `${name.slice(0, most - 1)}…` : name;
}
