/** A point on its way to another host: which files go with it, and that it is the same point there. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadFrozen, loadPoint, type Base, type FrozenPoint } from '../src/studies/sweep/point.js';
import { pack, unpack, type Parcel } from '../src/studies/sweep/queue/parcel.js';

let home: string;
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'wafersim-parcel-'));
});
afterAll(() => rmSync(home, { recursive: true }));

const BY = { build: 'this', options: { engine: 'fast', memo: true } } as const;

/** A plan in a folder of its own: a configuration that extends another one, with hardware and a model next to it. */
function planned(name: string, settings: string[] = []): { base: Base; point: FrozenPoint } {
  const folder = join(home, name);
  cpSync(resolve('configs'), join(folder, 'configs'), { recursive: true });
  cpSync(resolve('models/tiny.json'), join(folder, 'models/tiny.json'));
  cpSync(resolve('models/tiny.json'), join(folder, 'plans/mine.json'));
  mkdirSync(join(folder, 'plans'), { recursive: true });
  writeFileSync(join(folder, 'plans/run.yaml'), 'extends: ../configs/tiny.yaml\n');
  const plan = join(folder, 'plans/plan.yaml');
  const base = { path: join(folder, 'plans/run.yaml'), written: 'run.yaml', plan };
  const own = settings.map((text) => ({ text, origin: { label: plan, file: plan } }));
  const { key, version, files } = loadPoint(base, own);
  return { base, point: { index: 3, key, version, axes: {}, settings, files } };
}

function packed({ base, point }: ReturnType<typeof planned>): Parcel {
  // As a queue carries it.
  return JSON.parse(JSON.stringify(pack(point, base, loadFrozen(base, point), BY))) as Parcel;
}

let folders = 0;
function unpacked(parcel: Parcel) {
  const folder = join(home, `there-${folders++}`);
  mkdirSync(folder);
  return unpack(parcel, folder);
}

describe('a parcel', () => {
  it('has the small files of its point, which is the same where they are put', () => {
    const sent = planned('small', ['workload.context=9', 'model=mine.json']);
    const parcel = packed(sent);
    rmSync(join(home, 'small'), { recursive: true });
    const { base, missing } = unpacked(parcel);
    expect(missing).toEqual([]);
    const { key, files, config } = loadFrozen(base, parcel.point);
    expect(key).toBe(sent.point.key);
    expect(files).toEqual(sent.point.files);
    expect(config.workload.context).toBe(9);
  });

  it('is no other point because of what lies in its old places', () => {
    const sent = planned('old');
    const parcel = packed(sent);
    writeFileSync(join(home, 'old/configs/tiny.yaml'), 'workload: { context: 11 }\n');
    expect(loadFrozen(unpacked(parcel).base, parcel.point).key).toBe(sent.point.key);
    expect(() => loadFrozen(sent.base, sent.point)).toThrow();
  });

  it('leads to large files on the other host, and names those that are not there', () => {
    const sent = planned('large', ['workload.kind=serving', 'workload.trace=trace.csv']);
    const trace = join(home, 'large/plans/trace.csv');
    const row = '0,100,10\n';
    writeFileSync(trace, `arrival_s,input_tokens,output_tokens\n${row.repeat(40_000)}`);
    const plan = planned('large', ['workload.kind=serving', 'workload.trace=trace.csv']);
    const parcel = packed(plan);
    expect(plan.point.key).not.toBe(sent.point.key);
    expect(parcel.files.filter(({ content }) => content === undefined)).toEqual([{ path: trace }]);
    const there = unpacked(parcel);
    expect(there.missing).toEqual([]);
    expect(loadFrozen(there.base, parcel.point).key).toBe(plan.point.key);
    // Other content under that path is another point, and so is none.
    writeFileSync(trace, `${readFileSync(trace, 'utf8')}${row}`);
    expect(() => loadFrozen(unpacked(parcel).base, parcel.point)).toThrow(
      /point 3 was frozen from, found another trace\.csv$/,
    );
    rmSync(trace);
    expect(unpacked(parcel).missing).toEqual([trace]);
  });

  it('puts nothing outside of its folder', () => {
    const parcel = packed(planned('evil'));
    const inside = join(home, 'inside');
    mkdirSync(inside);
    for (const path of ['/../outside', '/a/../../outside', 'outside', '../outside']) {
      const evil = { ...parcel, files: [{ path, content: 'eA==' }] };
      expect(() => unpack(evil, inside)).toThrow(/absolute path/);
    }
    expect(existsSync(join(home, 'outside'))).toBe(false);
  });
});
