/** What a player shows: the picture of a cycle, the strip over all of them, and both in words. */
import { STATES } from '../../recording/recording.js';
import { statesOverTime, type Replay } from '../../recording/replay.js';
import { createCorePanel } from './player-core.js';
import { drawMoment, drawState, frameOf, type Frame } from './player-draw.js';
import { drawMark, inksOf, type Inks } from './player-inks.js';
import { make, type Parts } from './player-parts.js';
import { coreRows, coreText, cycleText, stepText, type PathStep } from './player-text.js';

/** What the reader has chosen. */
export interface View {
  cycle: number;
  isPlaying: boolean;
  /** A core, or -1. */
  selected: number;
  hovered: number;
  showsPath: boolean;
  colors: Set<number>;
}

export interface Screen {
  /** Shows what the view says. */
  show: () => void;
  /** The same where its size may have changed. */
  measure: () => void;
  /** The same where the colours of the page may have changed. */
  paint: () => void;
  fillTable: () => void;
  frame: () => Frame;
}

export function createScreen(
  root: HTMLElement,
  parts: Parts,
  replay: Replay,
  view: View,
  path: readonly PathStep[],
): Screen {
  const { recording, colors } = replay;
  const pen = parts.mesh.getContext('2d')!;
  const panel = createCorePanel(parts.core, replay);
  let inks = inksOf(root, colors);
  let frame = frameOf(recording, 1);
  let stretches: Float64Array[] = [];

  function show(): void {
    const { cycle, selected, hovered, showsPath } = view;
    const moment = replay.seek(cycle);
    const look = { colors: view.colors, selected, hovered, path: showsPath ? path : [] };
    pen.clearRect(0, 0, frame.width, frame.height);
    drawMoment(pen, frame, replay, moment, look, inks);
    drawOverview(
      parts.overview,
      stretches,
      (cycle - recording.from + 0.5) / lengthOf(replay),
      inks,
    );
    parts.mesh.dataset['cycle'] = String(cycle);
    parts.scrub.value = parts.cycle.value = String(cycle);
    // One who listens hears a cycle that is stayed at, not each that passes.
    parts.says.setAttribute('aria-live', view.isPlaying ? 'off' : 'polite');
    parts.says.textContent = cycleText(moment);
    parts.scrub.setAttribute('aria-valuetext', `cycle ${cycle}`);
    const step = path.find(({ from, to }) => from <= cycle && cycle < to);
    parts.onPath.textContent = step === undefined ? '' : `Critical path: ${stepText(step)}`;
    parts.pointed.textContent = hovered < 0 ? parts.keys : coreText(recording, moment, hovered);
    panel.show(moment, selected);
    if (!view.isPlaying) fillTable();
  }

  function fillTable(): void {
    if (!parts.cores.open) return;
    const rows = coreRows(recording, replay.seek(view.cycle)).map(([core, ...cells]) => {
      const columns = cells.map((cell) => make('td', {}, cell));
      return make('tr', {}, make('th', { scope: 'row' }, core), ...columns);
    });
    parts.table.replaceChildren(...rows);
  }

  function measure(): void {
    const ratio = devicePixelRatio;
    const { mesh, overview } = parts;
    frame = frameOf(recording, mesh.parentElement!.clientWidth);
    mesh.width = Math.round(frame.width * ratio);
    mesh.height = Math.round(frame.height * ratio);
    mesh.style.width = `${frame.width}px`;
    mesh.style.height = `${frame.height}px`;
    pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    overview.width = Math.max(1, Math.round(overview.clientWidth * ratio));
    overview.height = Math.round(overview.clientHeight * ratio);
    stretches = statesOverTime(replay, Math.max(1, overview.clientWidth));
    show();
  }

  function paint(): void {
    inks = inksOf(root, colors);
    parts.chips.forEach((chip, i) => {
      const swatch = penOf(chip);
      swatch.clearRect(0, 0, 14, 14);
      drawMark(swatch, 7, 7.5, 5.5, colors[i], inks);
    });
    parts.legend.forEach((key, i) => {
      const swatch = penOf(key);
      swatch.clearRect(0, 0, 16, 16);
      drawState(swatch, 8, 8, 6, STATES[i], inks);
    });
    measure();
  }

  return { show, measure, paint, fillTable, frame: () => frame };
}

function penOf(element: HTMLElement): CanvasRenderingContext2D {
  return element.querySelector('canvas')!.getContext('2d')!;
}

function lengthOf({ recording: { from, to } }: Replay): number {
  return Math.max(1, to - from);
}

const STACKED = ['compute', 'setup', 'waitInput', 'waitOutput'] as const;

/** A column for each stretch of time, with the shares of what cores do in it, and where the player is. */
function drawOverview(
  overview: HTMLCanvasElement,
  stretches: readonly Float64Array[],
  at: number,
  inks: Inks,
): void {
  const pen = overview.getContext('2d')!;
  const { width, height } = overview;
  pen.clearRect(0, 0, width, height);
  const column = width / stretches.length;
  stretches.forEach((row, i) => {
    const all = row.reduce((sum, cycles) => sum + cycles, 0);
    let top = height;
    for (const state of STACKED) {
      const high = (row[STATES.indexOf(state)] / Math.max(1, all)) * height;
      top -= high;
      pen.fillStyle = inks.states[state];
      pen.fillRect(i * column, top, column + 0.5, high);
    }
  });
  pen.fillStyle = inks.text;
  pen.fillRect(at * width - 1, 0, 2, height);
}
