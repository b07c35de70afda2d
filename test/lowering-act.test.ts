/** The activations of gated MLPs on a core, unit by unit, and the form that special functions take. */
import { describe, expect, it } from 'vitest';
import { loadConfig } from '../src/config.js';
import { executeOperation } from '../src/engine/execute.js';
import { gatedAct } from '../src/lowering/act.js';
import { cheaperForm } from '../src/lowering/special.js';
import type { Act } from '../src/model/mlp-spec.js';
import { gatedMlp } from '../src/model/plain/mlp.js';
import { layOut } from '../src/program/builder.js';
import { timeOf } from '../src/program/timing.js';

const { costs } = loadConfig('configs/tiny.yaml').wafer;

const UNITS = [-30, -8, -7.5, -7, -1, -0.25, 0, 0.5, 3, 6.9, 7, 7.1, 20];
/** Every gate with every up. */
const GATES = UNITS.flatMap((gate) => UNITS.map(() => gate));
const UPS = UNITS.flatMap(() => UNITS);

function onCore(act: Act, gates: number[], ups: number[]) {
  const n = gates.length;
  // Not next to each other, as those of several experts.
  const core = layOut([
    { name: 'up', type: 'f32', length: n + 3, preloaded: true },
    { name: 'out', type: 'f32', length: n + 1, preloaded: false },
    { name: 'gate', type: 'f32', length: n + 2, preloaded: true },
  ]);
  const memory = new Float32Array(3 * n + 6).fill(99);
  const { up, out, gate } = core.at;
  memory.set(gates, gate);
  memory.set(ups, up);
  gatedAct(core, costs, act, { type: 'f32', length: n, gate, up, out });
  for (const op of core.operations) executeOperation(op, memory);
  const beyond = [memory[up + n], memory[out + n], memory[gate + n]];
  expect(beyond).toEqual([99, 99, 99]);
  return { given: memory.slice(out, out + n), core };
}

/** What the plain decoder makes of one unit: all its products are by one. */
function plain(act: Act, gate: number, up: number): number {
  const one = { values: Float64Array.of(1), scale: 1 };
  const bias = { gateBias: Float64Array.of(gate), upBias: Float64Array.of(up) };
  const weights = { kind: 'dense', gate: one, up: one, down: one, ...bias } as const;
  const downBias = Float64Array.of(0);
  return gatedMlp({ act, bias: true }, { ...weights, downBias }, Float64Array.of(0))[0];
}

const ACTS: [string, Act][] = [
  ['SiLU', { fn: 'silu' }],
  ['GELU', { fn: 'gelu-tanh' }],
  ['clamped SiLU', { fn: 'silu', clamp: 7 }],
  ['clamped GELU', { fn: 'gelu-tanh', clamp: 3 }],
  ['a steeper SiLU', { fn: 'silu', alpha: 1.702 }],
  ['up + 1', { fn: 'silu', plusOne: true }],
  ["gpt-oss's", { fn: 'silu', clamp: 7, alpha: 1.702, plusOne: true }],
];

describe.each(ACTS)('%s', (_, act) => {
  it.each([1, 2, GATES.length])('is what the plain decoder has, over %i units', (n) => {
    for (let from = 0; from + n <= GATES.length; from += n) {
      const [gates, ups] = [GATES.slice(from, from + n), UPS.slice(from, from + n)];
      const { given } = onCore(act, gates, ups);
      given.forEach((value, i) => {
        const expected = plain(act, gates[i], ups[i]);
        expect(Math.abs(value - expected)).toBeLessThan(2e-6 * Math.max(1, Math.abs(expected)));
      });
    }
  });
});

describe('a special function', () => {
  it('is scalar code over few elements and vector operations over many, whichever is cheaper', () => {
    for (const fn of ['silu', 'reciprocal', 'rsqrt', 'exp'] as const)
      for (const type of ['f16', 'f32'] as const) {
        const forms = Array.from({ length: 40 }, (_, i) => cheaperForm(costs, fn, type, i + 1));
        expect(forms[0]).toBe('scalar');
        expect(forms[39]).toBe('vector');
        forms.forEach((form, i) => {
          const cyclesOf = (of: 'scalar' | 'vector') => {
            const op = {
              kind: 'special',
              label: 0,
              fn,
              form: of,
              type,
              length: i + 1,
              at: 0,
              to: 0,
            };
            return timeOf(op as never, costs).cycles;
          };
          const other = form === 'scalar' ? 'vector' : 'scalar';
          expect(cyclesOf(form)).toBeLessThanOrEqual(cyclesOf(other));
        });
      }
  });

  it('of an activation too', () => {
    const formsOf = (n: number) =>
      onCore({ fn: 'silu' }, GATES.slice(0, n), UPS.slice(0, n)).core.operations.flatMap((op) =>
        op.kind === 'special' ? [op.form] : [],
      );
    expect(formsOf(1)).toEqual(['scalar']);
    expect(formsOf(40)).toEqual(['vector']);
  });
});
