/**
 * Two outcomes of one program, counter by counter. A run that ended gives totals and not when they
 * came about: a counter differs by the end of its core, label or run at the latest.
 */
import { MachineError, type RunResult } from '../../engine/engine.js';
import { PORT_NAMES } from '../../hardware/mesh.js';
import type { Program } from '../../program/program.js';
import type { Difference } from './document.js';

export type Outcome = RunResult | MachineError;

const PER_CORE = ['end', 'compute', 'setup', 'waitInput', 'waitOutput'] as const;
const TOTALS = [
  'cycles',
  'sent',
  'delivered',
  'waveletHops',
  'routeHazards',
] as const satisfies (keyof RunResult)[];

/** Memory of every core after each of the two runs. */
export interface Numbers {
  first: Float32Array[];
  second: Float32Array[];
}

/** Everything that differs, by cycle and core, what is of no core after what is. */
export function differencesOf(
  program: Program,
  a: Outcome,
  b: Outcome,
  numbers?: Numbers,
): Difference[] {
  if (a instanceof MachineError || b instanceof MachineError) return errors(program, a, b);
  const found = [
    ...perCore(program, a, b),
    ...perLink(program, a, b),
    ...perLabel(program, a, b),
    ...totals(a, b),
    ...perWavelet(program, a, b),
    ...(numbers ? inMemory(program, Math.min(a.cycles, b.cycles), numbers) : []),
  ];
  const order = ({ core }: Difference) =>
    core === undefined ? Infinity : core.y * program.width + core.x;
  return found.sort(
    (p, q) => p.cycle - q.cycle || (order(p) < order(q) ? -1 : +(order(p) > order(q))),
  );
}

/** Failures differ if anything that they say does. */
function errors(program: Program, a: Outcome, b: Outcome): Difference[] {
  const facts = (of: Outcome) =>
    of instanceof MachineError ? [of.code, of.cycle, of.cores, of.colors, of.message] : [];
  if (JSON.stringify(facts(a)) === JSON.stringify(facts(b))) return [];
  const failed = [a, b].filter((of) => of instanceof MachineError);
  const first = failed.reduce((x, y) => (y.cycle < x.cycle ? y : x));
  const text = (of: Outcome) =>
    of instanceof MachineError ? of.message : `ends in cycle ${of.cycles}`;
  const at = { cycle: first.cycle, exact: true, ...place(program, first.cores[0]) };
  const same = text(a) === text(b);
  const all = (of: Outcome) => JSON.stringify(facts(of));
  return [{ what: 'error', ...at, values: same ? [all(a), all(b)] : [text(a), text(b)] }];
}

function place(program: Program, core: number | undefined): Pick<Difference, 'core'> {
  if (core === undefined) return {};
  return { core: { x: core % program.width, y: Math.floor(core / program.width) } };
}

function perCore(program: Program, a: RunResult, b: RunResult): Difference[] {
  const found: Difference[] = [];
  for (const what of PER_CORE)
    for (let core = 0; core < program.roleOf.length; core++) {
      const values: [number, number] = [a[what][core], b[what][core]];
      if (values[0] === values[1]) continue;
      // An end is dated; a cause differs from some time before it on.
      const cycle = Math.min(a.end[core], b.end[core]);
      found.push({ what, cycle, exact: what === 'end', ...place(program, core), values });
    }
  return found;
}

function perLink(program: Program, a: RunResult, b: RunResult): Difference[] {
  const found: Difference[] = [];
  const cycle = Math.min(a.cycles, b.cycles);
  for (let link = 0; link < program.roleOf.length * 4; link++) {
    const values: [number, number] = [a.linkWavelets[link], b.linkWavelets[link]];
    if (values[0] === values[1]) continue;
    const where = PORT_NAMES[link & 3];
    const at = place(program, link >> 2);
    found.push({ what: 'linkWavelets', cycle, exact: false, ...at, where, values });
  }
  return found;
}

const PER_LABEL = ['labelEnd', 'labelBusy', 'labelWaitInput', 'labelWaitOutput'] as const;

function perLabel(program: Program, a: RunResult, b: RunResult): Difference[] {
  return PER_LABEL.flatMap((what) =>
    program.labels.flatMap((where, label): Difference[] => {
      const values: [number, number] = [a[what][label], b[what][label]];
      if (values[0] === values[1]) return [];
      const cycle = Math.min(a.labelEnd[label], b.labelEnd[label]);
      return [{ what, cycle, exact: what === 'labelEnd', where, values }];
    }),
  );
}

/** Instants of synthetic traffic, if both runs noted them. */
function perWavelet(program: Program, a: RunResult, b: RunResult): Difference[] {
  const [one, other] = [a.instants, b.instants];
  if (one === undefined || other === undefined) return [];
  const rows = [
    ['entered', one.enteredFrom],
    ['taken', one.takenFrom],
    ['takenColor', one.takenFrom],
  ] as const;
  return rows.flatMap(([what, from]) => {
    const found: Difference[] = [];
    for (let core = 0; core < program.roleOf.length; core++)
      for (let i = from[core]; i < from[core + 1]; i++) {
        const values: [number, number] = [one[what][i], other[what][i]];
        if (values[0] === values[1]) continue;
        const isTime = what !== 'takenColor';
        const cycle = isTime ? Math.min(...values) : Math.min(one.taken[i], other.taken[i]);
        const where = `wavelet ${i - from[core]}`;
        found.push({ what, cycle, exact: isTime, ...place(program, core), where, values });
        // The ones after it are late because it is.
        break;
      }
    return found;
  });
}

function totals(a: RunResult, b: RunResult): Difference[] {
  const cycle = Math.min(a.cycles, b.cycles);
  return TOTALS.filter((what) => a[what] !== b[what]).map((what) => ({
    what,
    cycle,
    exact: what === 'cycles',
    values: [a[what], b[what]],
  }));
}

/** The first cell of each core that holds another number, down to the sign of a zero. */
function inMemory(program: Program, cycle: number, { first, second }: Numbers): Difference[] {
  return first.flatMap((cells, core): Difference[] => {
    const at = cells.findIndex((value, i) => !Object.is(value, second[core][i]));
    if (at < 0) return [];
    const values: [number, number] = [cells[at], second[core][at]];
    const where = `cell ${at}`;
    return [{ what: 'memory', cycle, exact: false, ...place(program, core), where, values }];
  });
}
