/** A result on the page: its speed, next to that of a pinned one, and its parts. */
import { count, fixed } from '../report/numbers.js';
import { byId } from '../report/page/dom.js';
import type { Answer, Part } from './messages.js';
import { hideWavelets } from './wavelets.js';
import { showMap, showTimeline } from './views.js';

type Ran = Extract<Answer, { what: 'ran' | 'ranKernel' }>;

interface Pinned {
  what: Ran['what'];
  cycles: number;
  speed?: number;
}

let shown: Pinned | undefined;
let pinned: Pinned | undefined;

const SIGNED = new Intl.NumberFormat('en-US', {
  maximumFractionDigits: 1,
  signDisplay: 'exceptZero',
});

export function showResult(ran: Ran): void {
  const { what, result } = ran;
  const speed = ran.what === 'ran' ? ran.result.tokensPerSecondPerUser : undefined;
  shown = { what, cycles: result.cycles, ...(speed !== undefined && { speed }) };
  byId('kind').textContent = '(simulated)';
  byId('speed').textContent =
    speed === undefined ? `${count(result.cycles)} cycles` : `${fixed(speed, 1)} tokens/s per user`;
  byId('headline').replaceChildren(...result.headline.map(([name, value]) => fact(name, value)));
  if (what === 'ran') hideWavelets();
  (byId('pin') as HTMLButtonElement).disabled = false;
  showDifference();
  for (const view of document.querySelectorAll<HTMLElement>('[data-view]'))
    view.hidden = what !== 'ran';
  void inTurn([
    ...(ran.what === 'ran' ? [() => showTimeline(ran.result), () => showMap(ran.result)] : []),
    () => showSections(result.sections),
  ]);
}

let turns = 0;

/** Does one thing after the other, with time for the reader in between, unless others are to be done by then. */
async function inTurn(all: readonly (() => void)[]): Promise<void> {
  const turn = ++turns;
  for (const one of all) {
    await new Promise((done) => setTimeout(done));
    if (turn !== turns) return;
    one();
  }
}

function fact(name: string, value: string): HTMLElement {
  const element = document.createElement('div');
  const [title, text] = [document.createElement('dt'), document.createElement('dd')];
  title.textContent = name;
  text.textContent = value;
  element.append(title, text);
  return element;
}

/** What is open stays open, and what is scrolled stays where it is: only what is in the parts is new. */
function showSections(sections: readonly Part[]): void {
  const place = byId('sections');
  const before = new Map(
    [...place.children].map((child) => [(child as HTMLElement).dataset['title'], child]),
  );
  const elements = sections.map(([title, html, folded]) => {
    const element = before.get(title) ?? section(title, folded);
    element.querySelector('.body')!.innerHTML = html;
    return element;
  });
  const isSame =
    elements.length === place.children.length && elements.every((one) => one.isConnected);
  if (!isSame) place.replaceChildren(...elements);
}

function section(title: string, folded: true | undefined): Element {
  const element = document.createElement('section');
  element.dataset['title'] = title;
  const head = document.createElement('h2');
  head.textContent = title;
  const body = document.createElement('div');
  body.className = 'body';
  if (!folded) {
    element.append(head, body);
    return element;
  }
  const [details, summary] = [document.createElement('details'), document.createElement('summary')];
  summary.append(head);
  details.append(summary, body);
  element.append(details);
  return element;
}

/** The result next to the pinned one, if both are of a kind. */
function showDifference(): void {
  const text = byId('difference');
  byId('unpin').hidden = pinned === undefined;
  if (pinned === undefined || shown === undefined || pinned.what !== shown.what) {
    text.textContent = pinned === undefined ? '' : 'The pinned result is of another kind.';
    return;
  }
  const [now, then] = [shown.speed ?? shown.cycles, pinned.speed ?? pinned.cycles];
  const unit = shown.speed === undefined ? 'cycles' : 'tokens/s';
  const number = shown.speed === undefined ? count(then) : fixed(then, 1);
  const share = SIGNED.format((100 * (now - then)) / then);
  text.textContent = `pinned: ${number} ${unit}; difference ${SIGNED.format(now - then)} ${unit} (${share} %)`;
}

byId('pin').addEventListener('click', () => {
  pinned = shown;
  showDifference();
});
byId('unpin').addEventListener('click', () => {
  pinned = undefined;
  showDifference();
});
