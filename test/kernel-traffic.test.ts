/** Synthetic traffic: what is sent, by whom and where it arrives. */
import { describe, expect, it } from 'vitest';
import { reference } from '../src/engine/reference.js';
import { EAST } from '../src/hardware/mesh.js';
import type { Program } from '../src/program/program.js';
import { kernelWafer, programOf } from './kernel-programs.js';

function timesOf(program: Program, core: number): number {
  const op = program.roles[program.roleOf[core]].operations[0];
  return op?.kind === 'traffic' ? op.times.length : 0;
}

describe('traffic', () => {
  const shift = { pattern: 'shift', distance: 3, mesh: '12x4', load: 0.2, cycles: 500, seed: 'a' };

  it('of a shift crosses as many links as it is far, from every core with a partner', () => {
    const program = programOf('traffic', shift);
    const result = reference({ program, wafer: kernelWafer() });
    const sent = Array.from(program.roleOf, (_, core) => timesOf(program, core));
    expect(sent.map((n, core) => n > 0 === core % 12 < 9)).not.toContain(false);
    expect(result.sent).toBe(sent.reduce((sum, n) => sum + n, 0));
    expect(result.delivered).toBe(result.sent);
    expect(result.waveletHops).toBe(3 * result.sent);
  });

  it('of a shift puts as many colours on a link as it is far', () => {
    const program = programOf('traffic', { ...shift, load: 1, cycles: 300 });
    const { linkWavelets } = reference({ program, wafer: kernelWafer() });
    expect(linkWavelets[5 * 4 + EAST]).toBe(3 * 300);
  });

  it('to neighbours crosses one link', () => {
    const program = programOf('traffic', {
      pattern: 'neighbor',
      mesh: '6x2',
      load: 0.5,
      cycles: 200,
    });
    const result = reference({ program, wafer: kernelWafer() });
    expect(result.sent).toBeGreaterThan(0);
    expect(result.waveletHops).toBe(result.sent);
    expect(result.delivered).toBe(result.sent);
  });

  it('by multicast is delivered to every other core of the row', () => {
    const program = programOf('traffic', {
      pattern: 'multicast',
      mesh: '9x3',
      load: 0.3,
      cycles: 200,
    });
    const result = reference({ program, wafer: kernelWafer() });
    expect(result.sent).toBeGreaterThan(0);
    expect(result.delivered).toBe(8 * result.sent);
  });

  it('by multicast reaches as far as asked, from the first of every few cores', () => {
    const options = { pattern: 'multicast', distance: 3, mesh: '10x2', load: 0.3, cycles: 200 };
    const program = programOf('traffic', options);
    const result = reference({ program, wafer: kernelWafer() });
    const sent = Array.from(program.roleOf, (_, core) => timesOf(program, core));
    const receivers = sent.map((_, core) => Math.min(3, 9 - (core % 10)));
    expect(sent.map((n, core) => n > 0 === ((core % 10) % 4 === 0))).not.toContain(false);
    expect(result.delivered).toBe(sent.reduce((sum, n, core) => sum + n * receivers[core], 0));
  });

  it('of a shift takes one colour more than it is far', () => {
    const { roles } = programOf('traffic', shift);
    const colors = new Set(roles.flatMap(({ routes }) => routes.map(({ color }) => color)));
    expect(colors).toEqual(new Set([0, 1, 2, 3]));
  });

  it('has the load that was asked for, within four standard deviations', () => {
    const [load, cycles] = [0.1, 20_000];
    const program = programOf('traffic', { pattern: 'neighbor', mesh: '2x1', load, cycles });
    const deviation = Math.sqrt(cycles * load * (1 - load));
    expect(Math.abs(timesOf(program, 0) - load * cycles)).toBeLessThan(4 * deviation);
  });

  it('is the same for the same seed and another for another', () => {
    const run = (seed: string) =>
      reference({ program: programOf('traffic', { ...shift, seed }), wafer: kernelWafer() });
    expect(run('a')).toEqual(run('a'));
    expect(run('b').linkWavelets).not.toEqual(run('a').linkWavelets);
  });
});
