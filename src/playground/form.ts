/** The controls as elements: sliders and choices that say what the configuration says until they are moved. */
import { CHOICES, CONTROLS, settingText, settingValue } from './controls.js';
import type { Choice, Control } from './controls.js';
import type { Facts } from './messages.js';
import type { State } from './state.js';

export interface Form {
  /** Shows a configuration's numbers, its own ones, and settings over them. */
  show(facts: Facts, sets: State['sets']): void;
}

/**
 * Builds the controls in an element.
 * @param ofMachine those alone that kernels have too
 * @param onSet receives a setting, or undefined in place of its value once it is taken back
 */
export function createForm(
  element: HTMLElement,
  ofMachine: boolean,
  onSet: (path: string, value: string | undefined) => void,
): Form {
  const sliders = CONTROLS.filter((control) => !ofMachine || control.ofMachine);
  const shown = sliders.map((control) => slider(control, onSet));
  if (!ofMachine) shown.push(...CHOICES.map((choice) => select(choice, onSet)));
  element.replaceChildren(...shown.map((one) => one.element));
  return {
    show(facts, sets) {
      for (const one of shown) one.show(facts, sets);
    },
  };
}

interface Shown {
  element: HTMLElement;
  show(facts: Facts, sets: State['sets']): void;
}

type OnSet = (path: string, value: string | undefined) => void;

/** A label, an element to choose with, and a button that takes the setting back. */
function row(path: string, label: string, chooser: HTMLElement, value: HTMLElement, onSet: OnSet) {
  const element = document.createElement('div');
  element.className = 'control';
  const name = document.createElement('label');
  name.textContent = label;
  name.htmlFor = chooser.id = `set-${path}`;
  name.title = path;
  const back = document.createElement('button');
  back.type = 'button';
  back.className = 'back';
  back.textContent = '↺';
  back.setAttribute('aria-label', `${label}: as in the configuration`);
  back.title = 'as in the configuration';
  back.addEventListener('click', () => onSet(path, undefined));
  element.append(name, value, chooser, back);
  return { element, back };
}

function slider(control: Control, onSet: OnSet): Shown {
  const { path, label, unit = '' } = control;
  const input = document.createElement('input');
  input.type = 'range';
  const value = document.createElement('output');
  const { element, back } = row(path, label, input, value, onSet);
  const tell = (text: string) => {
    value.textContent = text;
    input.setAttribute('aria-valuetext', text);
  };
  input.addEventListener('input', () => {
    tell(counted(Number(input.value), unit));
    onSet(path, settingText(control, Number(input.value)));
  });
  return {
    element,
    show(facts, sets) {
      const set = Object.hasOwn(sets, path) ? settingValue(sets[path]) : undefined;
      const number = set ?? control.of(facts);
      const [least, most, step] = control.range(facts);
      // The configuration's own number is one of the steps.
      const own = control.of(facts) ?? least;
      input.min = String(own - Math.floor((own - least) / step + 1e-9) * step);
      input.max = String(most);
      input.step = String(step);
      input.value = String(number ?? Math.round((least + most) / 2));
      tell(number === undefined ? 'auto' : counted(number, unit));
      back.hidden = set === undefined;
    },
  };
}

/** A number with what it is counted in: `1 user`, `2 users`. */
function counted(value: number, unit: string): string {
  return `${value} ${value === 1 ? unit.replace(/s$/, '') : unit}`;
}

function select(choice: Choice, onSet: OnSet): Shown {
  const { path, label } = choice;
  const input = document.createElement('select');
  const { element, back } = row(path, label, input, document.createElement('span'), onSet);
  input.addEventListener('change', () => onSet(path, input.value === '' ? undefined : input.value));
  return {
    element,
    show(facts, sets) {
      const set = Object.hasOwn(sets, path) ? sets[path] : undefined;
      const now = set ?? choice.of(facts);
      const options = choice.options(facts);
      const names = now === undefined ? ["the file's", ...options] : options;
      input.replaceChildren(
        ...names.map((name) => new Option(name, options.includes(name) ? name : '')),
      );
      input.value = now ?? '';
      back.hidden = set === undefined;
    },
  };
}
