/** The playground: what its reader chooses becomes a state, the state an address, a command and a question to the worker. */
import { byId, dataOf } from '../report/page/dom.js';
import { createForm } from './form.js';
import type { Answer, Facts } from './messages.js';
import { showResult } from './show.js';
import { showWavelets } from './wavelets.js';
import { startSimulation } from './simulation.js';
import { aboutOf, beginWith, commandOf, hashOf, pathOf, settingsOf, stateOf } from './state.js';
import type { Presets, State } from './state.js';

/** What build.mjs writes into the page. */
interface PageData {
  presets: Presets;
  /** Kernels to begin with, by what they show. */
  kernels: Readonly<Record<string, string>>;
}

/** Up to so many cores a machine is simulated as its settings move. */
const SMALL_CORES = 4096;
/** Milliseconds without a further change before anything is asked. */
const PATIENCE = 40;

const area = (id: string) => byId(id) as HTMLTextAreaElement;
const choice = (id: string) => byId(id) as HTMLSelectElement;
const button = (id: string) => byId(id) as HTMLButtonElement;
const progress = byId('progress') as HTMLProgressElement;
const page = document.documentElement;

const { presets, kernels } = dataOf() as PageData;
const simulation = startSimulation(byId('worker').textContent, receive);
let state = stateOf(location.hash, presets);
/** Numbers of the configuration, or of the kernel's hardware, without the settings. */
let facts: Facts | undefined;
let timer: ReturnType<typeof setTimeout> | undefined;

const forms = {
  model: createForm(byId('form'), false, set),
  kernel: createForm(byId('machine'), true, set),
};

function set(path: string, value: string | undefined): void {
  const key = state.shows === 'model' ? 'sets' : 'kernelSets';
  const { [path]: _, ...others } = state[key];
  change({ [key]: value === undefined ? others : { ...others, [path]: value } });
}

/** Another state: shown at once, asked for when no other follows. */
function change(parts: Partial<State>): void {
  const before = state;
  state = { ...state, ...parts };
  history.replaceState(null, '', `#${hashOf(state)}`);
  const [then, now] = [configOf(before), configOf(state)];
  if (then.config !== now.config || then.path !== now.path) facts = undefined;
  showState(before.shows !== state.shows || before.preset !== state.preset);
  begin();
  clearTimeout(timer);
  timer = setTimeout(ask, PATIENCE);
}

/** What is written is left alone, unless it is `fresh`, by someone else. */
function showState(fresh: boolean): void {
  for (const shows of ['model', 'kernel'] as const) {
    for (const element of document.querySelectorAll<HTMLElement>(`.of-${shows}:not([data-view])`))
      element.hidden = shows !== state.shows;
    byButton(shows).setAttribute('aria-pressed', String(shows === state.shows));
  }
  if (fresh) {
    choice('preset').value = state.preset;
    area('config').value = state.config;
    area('kernel').value = state.kernel;
  }
  byId('about').textContent = aboutOf(presets[state.preset]);
  byId('command').textContent = commandOf(state, presets);
  if (facts) forms[state.shows].show(facts, sets());
}

function byButton(shows: State['shows']): HTMLElement {
  return document.querySelector<HTMLElement>(`[data-shows=${shows}]`)!;
}

const sets = () => (state.shows === 'model' ? state.sets : state.kernelSets);

/** What has the numbers that settings are over: a kernel's hardware has no model. */
function configOf({ shows, config, kernel, preset }: State): { path: string; config: string } {
  if (shows === 'model') return { path: pathOf({ preset }), config };
  const hardware = /--hardware[ =](\S+)/.exec(kernel)?.[1] ?? 'wse3';
  return { path: 'kernel', config: `hardware: ${JSON.stringify(hardware)}\nmodel: tiny\n` };
}

/** Nothing is known of a state that was chosen just now. */
function begin(): void {
  delete page.dataset['cycles'];
  page.dataset['state'] = 'running';
}

/** @param mostCores as `Request` has it */
function ask(mostCores = SMALL_CORES): void {
  begin();
  const config = configOf(state);
  if (facts === undefined) return simulation.ask({ what: 'resolve', ...config, sets: [] });
  busy(true);
  const over = settingsOf(sets());
  if (state.shows === 'kernel') simulation.ask({ what: 'kernel', line: state.kernel, sets: over });
  else simulation.ask({ what: 'run', ...config, sets: over, mostCores });
}

function busy(is: boolean): void {
  button('cancel').hidden = !is;
  progress.hidden = !is;
  progress.removeAttribute('value');
  if (is) return;
  progress.max = 1;
}

function receive(answer: Answer, isLast: boolean): void {
  if (answer.what === 'progress') {
    progress.max = answer.total;
    progress.value = answer.done;
    byId('status').textContent = `${answer.of}: ${answer.done} of ${answer.total}`;
    return;
  }
  if (answer.what === 'ran' || answer.what === 'ranKernel') showResult(answer);
  if (answer.what === 'recorded') showWavelets(answer);
  // The others are of a state that is not shown any more.
  if (!isLast) return;
  if (answer.what === 'resolved') {
    ({ facts } = answer);
    showState(false);
    return ask();
  }
  busy(answer.what === 'ranKernel');
  if (answer.what === 'recorded') return;
  if (answer.what === 'failed') return end('failed', answer.why);
  if (answer.what === 'large')
    return end('waiting', `${words(answer.cores)} cores: press simulate to begin`);
  page.dataset['cycles'] = String(answer.result.cycles);
  const seconds = answer.result.seconds.toFixed(answer.result.seconds < 1 ? 3 : 1);
  end('done', `simulated in ${seconds} s`);
}

const words = (cores: number) =>
  Number.isFinite(cores)
    ? cores.toLocaleString('en-US')
    : 'As many wafers as it needs: millions of';

function end(how: string, text: string): void {
  page.dataset['state'] = how;
  byId('status').textContent = text;
  byId('status').classList.toggle('wrong', how === 'failed');
}

choice('preset').append(...Object.keys(presets).map((name) => new Option(name, name)));
choice('example').append(...Object.entries(kernels).map(([name, line]) => new Option(name, line)));
choice('preset').addEventListener('change', () =>
  change(beginWith(choice('preset').value, presets)),
);
choice('example').addEventListener('change', () => {
  area('kernel').value = choice('example').value;
  change({ kernel: choice('example').value });
});
for (const shows of ['model', 'kernel'] as const)
  byButton(shows).addEventListener('click', () => change({ shows }));
for (const key of ['config', 'kernel'] as const)
  area(key).addEventListener('input', () => change({ [key]: area(key).value }));
button('run').addEventListener('click', () => {
  clearTimeout(timer);
  ask(Infinity);
});
button('cancel').addEventListener('click', () => {
  simulation.cancel();
  busy(false);
  end('cancelled', 'cancelled');
});
for (const [id, text] of [
  ['copy', () => commandOf(state, presets)],
  ['link', () => location.href],
] as const)
  button(id).addEventListener('click', () => void copy(text()));

async function copy(text: string): Promise<void> {
  const told = byId('copied');
  try {
    await navigator.clipboard.writeText(text);
    told.textContent = 'copied';
  } catch {
    told.textContent = 'this browser does not let pages copy: select the text above';
    getSelection()?.selectAllChildren(byId('command'));
  }
}

addEventListener('hashchange', () => {
  const asked = stateOf(location.hash, presets);
  if (hashOf(asked) !== hashOf(state)) change(asked);
});
showState(true);
ask();
