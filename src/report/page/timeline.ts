/** The timeline of a step: zoomed and moved, and what is pointed at in words. */
import type { StageSpan } from '../detail.js';
import {
  leftOf,
  operatorText,
  stageText,
  timeline,
  wholeStep,
  type TimelineView,
} from '../html-timeline.js';
import type { StepData } from './data.js';
import { byId } from './dom.js';
import { listen } from './gestures.js';

export interface TimelineState {
  step: StepData;
  /** What holds the drawing, and where it is told what is pointed at. */
  place: HTMLElement;
  says: HTMLElement;
  hint: string;
  view: TimelineView;
}

/** The drawing is at most so wide, and at least as wide as a phone. */
const WIDTHS = [320, 1400] as const;
/** Cycles that are shown at least. */
const LEAST_CYCLES = 20;

/** In the elements that html-step.ts writes. @param onStage a reader chose a stage; `operator` is the one of it that was met, if any */
export function createTimeline(
  step: StepData,
  onStage: (stage: StageSpan, operator: string | undefined) => void,
): TimelineState {
  const [place, says] = [byId('timeline'), byId('stage')];
  const hint = says.textContent;
  const state = { step, place, says, hint, view: wholeStep(step, widthOf(place)) };
  const at = (target: EventTarget | null) => pointedAt(state, target);
  listen(place, {
    move: (dx) => moveBy(state, -dx / pixelsPerCycle(state)),
    zoom: (factor, [x]) => zoomBy(state, factor, cycleAt(state, x)),
    wheelZooms: false,
    click(_, target) {
      const found = at(target);
      if (found) onStage(found.stage, found.operator?.name);
    },
  });
  place.addEventListener('pointerover', ({ target }) => tellOf(state, at(target)));
  place.addEventListener('pointerleave', () => tellOf(state, undefined));
  place.addEventListener('keydown', (event) => {
    const { from, to } = state.view;
    const keys: Record<string, (() => void) | undefined> = {
      ArrowLeft: () => moveBy(state, (from - to) / 10),
      ArrowRight: () => moveBy(state, (to - from) / 10),
      '+': () => zoomBy(state, 1.25),
      '=': () => zoomBy(state, 1.25),
      '-': () => zoomBy(state, 0.8),
      '0': () => showAll(state),
    };
    const act = keys[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  byId('time-in').addEventListener('click', () => zoomBy(state, 1.5));
  byId('time-out').addEventListener('click', () => zoomBy(state, 1 / 1.5));
  byId('time-all').addEventListener('click', () => showAll(state));
  new ResizeObserver(() => {
    if (widthOf(place) === state.view.width) return;
    state.view.width = widthOf(place);
    drawTimeline(state);
  }).observe(place);
  drawTimeline(state);
  return state;
}

export function drawTimeline({ step, place, view }: TimelineState): void {
  // A document of its own runs nothing; names are text in it already.
  const drawn = new DOMParser().parseFromString(timeline(step, view), 'text/html');
  place.replaceChildren(document.adoptNode(drawn.body.firstElementChild!));
  place.dataset['from'] = String(Math.round(view.from));
  place.dataset['to'] = String(Math.round(view.to));
}

export function showAll(state: TimelineState): void {
  const { from, to } = wholeStep(state.step);
  Object.assign(state.view, { from, to });
  drawTimeline(state);
}

/** Zooms about a cycle, the middle one if none is given. */
export function zoomBy(
  state: TimelineState,
  factor: number,
  about = (state.view.from + state.view.to) / 2,
): void {
  const { view } = state;
  const scale = Math.max(factor, 1e-3);
  view.from = about - (about - view.from) / scale;
  view.to = about + (view.to - about) / scale;
  const short = LEAST_CYCLES - (view.to - view.from);
  if (short > 0) {
    view.from -= short / 2;
    view.to += short / 2;
  }
  moveBy(state, 0);
}

/** Shows a stage with as much before and after it. */
export function zoomToStage(state: TimelineState, { start, end }: StageSpan): void {
  const room = Math.max(LEAST_CYCLES, end - start) / 2;
  Object.assign(state.view, { from: start - room, to: end + room });
  moveBy(state, 0);
}

/** Keeps inside the step. */
function moveBy(state: TimelineState, cycles: number): void {
  const { view, step } = state;
  const whole = wholeStep(step);
  const length = Math.min(view.to - view.from, whole.to);
  view.from = Math.min(Math.max(0, view.from + cycles), whole.to - length);
  view.to = view.from + length;
  drawTimeline(state);
}

interface Pointed {
  stage: StageSpan;
  operator?: StageSpan['operators'][number] | undefined;
}

function pointedAt({ step }: TimelineState, target: EventTarget | null): Pointed | undefined {
  if (!(target instanceof SVGElement)) return undefined;
  const { stage: number, operator } = target.dataset;
  const stage = number === undefined ? undefined : step.stages[Number(number)];
  if (stage === undefined) return undefined;
  return {
    stage,
    operator: operator === undefined ? undefined : stage.operators[Number(operator)],
  };
}

function tellOf({ says, hint }: TimelineState, found: Pointed | undefined): void {
  const text = found && [stageText(found.stage), found.operator && operatorText(found.operator)];
  says.textContent = text?.filter((line) => line !== undefined).join(' · ') ?? hint;
}

function pixelsPerCycle({ view }: TimelineState): number {
  return (view.width - 8 - leftOf(view)) / (view.to - view.from);
}

function cycleAt(state: TimelineState, x: number): number {
  return state.view.from + (x - leftOf(state.view)) / pixelsPerCycle(state);
}

function widthOf({ clientWidth }: HTMLElement): number {
  const [least, most] = WIDTHS;
  return Math.min(most, Math.max(least, clientWidth));
}
