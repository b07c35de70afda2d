/** What results say by core, without tables of all places, is what these say. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lastCore } from '../src/decode/critical-path.js';
import { busiestLink, linksOfWafers } from '../src/decode/link-counts.js';
import { startAtOf } from '../src/decode/visit.js';
import type { StageTiming } from '../src/decode/timeline.js';
import { endAt, endedIn, lastEnd, readEnds, sentIn, spentIn } from '../src/engine/by-core.js';
import { latestOf, wholeRun, type RunInput, type RunResult } from '../src/engine/engine.js';
import { fast } from '../src/engine/fast/fast.js';
import { startLines } from '../src/engine/lines/lines.js';
import { createLineTable } from '../src/engine/lines/table.js';
import { reference } from '../src/engine/reference/reference.js';
import { LINKS } from '../src/hardware/mesh.js';
import { familyPrograms } from './helpers/families.js';

const ENGINES: Record<string, (input: RunInput) => RunResult> = {
  reference,
  fast,
  lines: (input) => wholeRun(startLines(input, createLineTable())),
};

/** What the reference says of a program, if that comes to its end. */
function runs(given: RunInput): RunResult | undefined {
  try {
    return reference(given);
  } catch {
    return undefined;
  }
}

/** The same with a column of cores more, to the east, that do nothing. */
function withIdleColumn({ program, wafer }: RunInput): RunInput {
  const { width, height, roles, roleOf } = program;
  const idle = { ...roles[0], name: 'idle', routes: [], operations: [] };
  const wider = Uint16Array.from({ length: (width + 1) * height }, (_, place) => {
    const [x, y] = [place % (width + 1), Math.floor(place / (width + 1))];
    return x === width ? roles.length : roleOf[y * width + x];
  });
  const cores = { width: width + 1, roles: [...roles, idle], roleOf: wider };
  const { linkHops: _, root: __, ...plain } = program;
  return { program: { ...plain, ...cores }, wafer: { ...wafer, width: wafer.width + 1 } };
}

describe.each(Object.entries(ENGINES))('a result of the engine %s', (_, run) => {
  it('tells links and cycles by core as the reference has them by place', () => {
    const holds = fc.property(familyPrograms(), (given) => {
      const wanted = runs(given);
      fc.pre(wanted !== undefined);
      const result = run(given);
      const { placeOf, wavelets } = sentIn(result);
      const links = new Float64Array(wanted.linkWavelets.length);
      for (const [core, place] of placeOf.entries())
        for (let port = 0; port < LINKS; port++)
          links[place * LINKS + port] = wavelets[core * LINKS + port];
      expect(links).toEqual(wanted.linkWavelets);
      const { kindOf, compute, setup } = spentIn(result);
      expect(Float64Array.from(kindOf, (kind) => compute[kind])).toEqual(wanted.compute);
      expect(Float64Array.from(kindOf, (kind) => setup[kind])).toEqual(wanted.setup);
      // The first of those that end last, of all that do something.
      const works = [...wanted.end.keys()].filter(
        (core) => wanted.compute[core] + wanted.setup[core] > 0,
      );
      const latest = Math.max(...works.map((core) => wanted.end[core]));
      expect(lastCore(result)).toBe(works.find((core) => wanted.end[core] === latest) ?? -1);
    });
    fc.assert(holds, { numRuns: 15, seed: 7 });
  });

  it('tells when cores are done as the reference has it, of those too that do nothing', () => {
    const holds = fc.property(familyPrograms(), fc.nat({ max: 150 }), (generated, later) => {
      const given = withIdleColumn(generated);
      const cores = given.program.roleOf.length;
      // Every third core starts later, whatever it does.
      const startAt = Float64Array.from({ length: cores }, (_, core) =>
        core % 3 === later % 3 ? later : 0,
      );
      const wanted = runs({ ...given, startAt });
      fc.pre(wanted !== undefined);
      const result = run({ ...given, startAt });
      expect(Float64Array.from(wanted.end, (_, core) => endAt(result, core))).toEqual(wanted.end);
      for (let size = given.program.width - 1; size <= given.program.width; size++)
        for (let from = 0; from + size <= cores; from += given.program.width) {
          const row = new Float64Array(size);
          readEnds(result, from, row);
          expect(row).toEqual(wanted.end.subarray(from, from + size));
        }
      expect(lastEnd(endedIn(result))).toBe(latestOf(wanted.end));
      expect(result.end).toEqual(wanted.end);
      expect(result.cycles).toBe(wanted.cycles);
      expect(result.waitInput).toEqual(wanted.waitInput);
    });
    fc.assert(holds, { numRuns: 30, seed: 8 });
  });
});

describe('links of wafers', () => {
  // Two rows of three cores, of which the first column is beyond the wafer's edge: places 1 and 5 send.
  const sent = {
    placeOf: Int32Array.of(0, 1, 5),
    wavelets: Uint32Array.of(9, 9, 9, 9, 1, 2, 3, 4, 5, 6, 7, 8),
  };
  const counted = { wafer: 0, x: -1, y: 30, width: 3, height: 2, sent };

  it('are those of the cores on it, as often as stages ran', () => {
    const wafer = { width: 2, height: 40 };
    const stages = [
      { ...counted, times: 1 },
      { ...counted, times: 10, y: 31 },
    ];
    const [links] = linksOfWafers(stages, wafer);
    const at = (x: number, y: number) => [
      ...links.slice((y * 2 + x) * LINKS, (y * 2 + x + 1) * LINKS),
    ];
    expect(at(0, 30)).toEqual([1, 2, 3, 4]);
    expect(at(0, 31)).toEqual([10, 20, 30, 40]);
    expect(at(1, 31)).toEqual([5, 6, 7, 8]);
    expect(at(1, 32)).toEqual([50, 60, 70, 80]);
    expect(links.reduce((sum, wavelets) => sum + wavelets)).toBe(11 * (10 + 26));
    expect(busiestLink(stages, wafer)).toBe(80);
  });
});

describe('starts of a stage', () => {
  const stage: Partial<StageTiming> = {
    ...{ width: 3, height: 2, origin: 1, columns: 2, rows: 2, programStart: 5 },
    senders: [{ core: 0, of: 0 }],
  };
  const startsOf = (own: number[], sending: number[]) =>
    startAtOf(stage as StageTiming, { own: Float64Array.from(own), sending });

  it('are words where they fit, and doubles where one does not', () => {
    expect(startsOf([-1, 2, 3, 4], [7])).toEqual(Int32Array.of(2, -1, 2, 0, 3, 4));
    expect(startsOf([-1, 2, 2 ** 40, 4], [7])).toEqual(Float64Array.of(2, -1, 2, 0, 2 ** 40, 4));
    expect(startsOf([-1, 2, 3, 4], [2 ** 40])[0]).toBe(2 ** 40 - 5);
  });
});
