/**
 * A player of a recording: what every core, queue and link did in each cycle, to be played, stepped and searched. It is
 * part of the page of a kernel and of the playground, and needs their styles (player-style.ts).
 */
import type { Recording } from '../../recording/recording.js';
import { createReplay, type Replay } from '../../recording/replay.js';
import { coreAt } from './player-draw.js';
import { layOut, partsOf, type Parts } from './player-parts.js';
import { createScreen, type Screen, type View } from './player-screen.js';
import { CORE_HEAD, cutText, type PathStep } from './player-text.js';

export type { PathStep } from './player-text.js';

export interface Player {
  /** Shows a cycle. */
  seek: (cycle: number) => void;
  /** Stops, and takes its elements away. */
  destroy: () => void;
}

export interface PlayerOptions {
  /** The critical path of the program, to be shown with it. */
  path?: readonly PathStep[] | undefined;
}

/** Makes a player in an element of its own. @throws RangeError if the recording is damaged */
export function mountPlayer(
  element: HTMLElement,
  recording: Recording,
  { path = [] }: PlayerOptions = {},
): Player {
  const replay = createReplay(recording);
  const view: View = {
    ...{ cycle: recording.from, isPlaying: false, selected: -1, hovered: -1, showsPath: false },
    colors: new Set(replay.colors),
  };
  const parts = partsOf(replay.colors);
  const root = layOut(parts, CORE_HEAD, path.length > 0);
  element.replaceChildren(root);
  parts.cut.textContent = cutText(recording);
  const screen = createScreen(root, parts, replay, view, path);
  const clock = createClock(recording, parts, screen, view);
  listenToControls(parts, screen, view, clock);
  listenToColors(parts, screen, view, replay);
  listenToMesh(parts, screen, view, clock, recording);
  const dark = matchMedia('(prefers-color-scheme: dark)');
  dark.addEventListener('change', screen.paint);
  const sizes = new ResizeObserver(screen.measure);
  sizes.observe(root);
  screen.paint();
  return {
    seek: clock.seek,
    destroy() {
      clock.play(false);
      sizes.disconnect();
      dark.removeEventListener('change', screen.paint);
      root.remove();
    },
  };
}

/** Where the player is in time. */
interface Clock {
  seek: (cycle: number) => void;
  /** By so many cycles, without playing on. */
  step: (cycles: number) => void;
  play: (on: boolean) => void;
}

function createClock({ from, to }: Recording, parts: Parts, screen: Screen, view: View): Clock {
  const last = Math.max(from, to - 1);
  for (const input of [parts.scrub, parts.cycle]) {
    input.min = String(from);
    input.max = String(last);
  }
  const run = playing(
    () => Number(parts.speed.value),
    (cycles) => {
      if (view.cycle + cycles >= last) play(false);
      seek(view.cycle + cycles);
    },
  );
  function seek(cycle: number): void {
    // What is not a number leaves the player where it is.
    if (!Number.isNaN(cycle)) view.cycle = Math.max(from, Math.min(last, Math.round(cycle)));
    screen.show();
  }
  function play(on: boolean): void {
    view.isPlaying = on;
    parts.play.textContent = on ? 'pause' : 'play';
    parts.play.setAttribute('aria-label', on ? 'Pause' : 'Play');
    if (on && view.cycle === last) view.cycle = from;
    run(on);
    screen.show();
  }
  function step(cycles: number): void {
    if (view.isPlaying) play(false);
    seek(view.cycle + cycles);
  }
  return { seek, step, play };
}

function listenToControls(parts: Parts, screen: Screen, view: View, clock: Clock): void {
  const actions: [HTMLElement, () => void][] = [
    [parts.first, () => clock.step(-Infinity)],
    [parts.back, () => clock.step(-1)],
    [parts.play, () => clock.play(!view.isPlaying)],
    [parts.step, () => clock.step(1)],
    [parts.last, () => clock.step(Infinity)],
  ];
  for (const [button, act] of actions) button.addEventListener('click', act);
  parts.scrub.addEventListener('input', () => clock.seek(Number(parts.scrub.value)));
  parts.cycle.addEventListener('change', () => clock.seek(parts.cycle.valueAsNumber));
  parts.overview.addEventListener('click', ({ offsetX }) => {
    const [first, last] = [Number(parts.scrub.min), Number(parts.scrub.max)];
    clock.seek(first + (offsetX / parts.overview.clientWidth) * (last - first + 1) - 0.5);
  });
  parts.path.addEventListener('click', () => {
    view.showsPath = !view.showsPath;
    parts.path.setAttribute('aria-pressed', String(view.showsPath));
    screen.show();
  });
  parts.cores.addEventListener('toggle', screen.fillTable);
}

/** All colours, or a colour alone, and more of them one by one. */
function listenToColors(
  { all, chips }: Parts,
  screen: Screen,
  { colors: shown }: View,
  { colors }: Replay,
): void {
  function press(): void {
    const isAll = shown.size === colors.length;
    all.setAttribute('aria-pressed', String(isAll));
    chips.forEach((chip, i) =>
      chip.setAttribute('aria-pressed', String(!isAll && shown.has(colors[i]))),
    );
  }
  function choose(color?: number): void {
    if (color !== undefined) {
      if (shown.size === colors.length) shown.clear();
      if (!shown.delete(color)) shown.add(color);
    }
    // None at all would be a picture without wavelets.
    if (color === undefined || shown.size === 0) for (const each of colors) shown.add(each);
    press();
    screen.show();
  }
  all.addEventListener('click', () => choose());
  chips.forEach((chip, i) => chip.addEventListener('click', () => choose(colors[i])));
  press();
}

function listenToMesh(
  { mesh }: Parts,
  screen: Screen,
  view: View,
  clock: Clock,
  recording: Recording,
): void {
  const under = ({ offsetX, offsetY }: MouseEvent) =>
    coreAt(screen.frame(), recording, offsetX, offsetY);
  const hover = (core: number) => {
    if (core === view.hovered) return;
    view.hovered = core;
    screen.show();
  };
  const select = (core: number) => {
    view.selected = core;
    screen.show();
  };
  mesh.addEventListener('pointermove', (event) => {
    if (event.pointerType === 'mouse') hover(under(event));
  });
  mesh.addEventListener('pointerleave', () => hover(-1));
  mesh.addEventListener('click', (event) => {
    const core = under(event);
    select(core === view.selected ? -1 : core);
  });
  mesh.addEventListener('keydown', (event) => {
    const act = KEYS[event.key];
    if (act === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    if (act === 'play') clock.play(!view.isPlaying);
    else if (act === 'none') select(-1);
    else if (typeof act === 'number') clock.step(act);
    else select(nextTo(recording, view.selected, act));
  });
}

/** Cycles to step, steps in x and y from core to core, or what else a key does. */
const KEYS: Record<string, number | 'play' | 'none' | [x: number, y: number] | undefined> = {
  ' ': 'play',
  Escape: 'none',
  ',': -1,
  '.': 1,
  Home: -Infinity,
  End: Infinity,
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
};

/** The core next to one, or the first if there is none. */
function nextTo({ width, height }: Recording, core: number, [x, y]: [number, number]): number {
  if (core < 0) return 0;
  const column = Math.max(0, Math.min(width - 1, (core % width) + x));
  const row = Math.max(0, Math.min(height - 1, Math.floor(core / width) + y));
  return row * width + column;
}

/** Goes on by whole cycles as the time of the screen passes, while it is switched on. */
function playing(speed: () => number, advance: (cycles: number) => void): (on: boolean) => void {
  let frame: number | undefined;
  let before: number | undefined;
  let due = 0;
  function tick(now: number): void {
    frame = requestAnimationFrame(tick);
    due += ((now - (before ?? now)) * speed()) / 1000;
    before = now;
    const cycles = Math.floor(due);
    due -= cycles;
    if (cycles > 0) advance(cycles);
  }
  return (on) => {
    if (frame !== undefined) cancelAnimationFrame(frame);
    before = undefined;
    due = 0;
    frame = on ? requestAnimationFrame(tick) : undefined;
  };
}
