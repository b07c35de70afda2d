/** What every command that reads a configuration does with it, without the command line around it. */
import { runFiles } from '../../src/cli/run-files.js';
import { capacityOf, readSlo } from '../../src/studies/capacity/capacity.js';
import { fleetRow } from '../../src/studies/fleet/fleet.js';
import { prepare, scenariosOf } from '../../src/studies/serve/serve.js';
import { withThreads } from '../../src/studies/steps/work.js';
import { fast } from '../../src/engine/fast/fast.js';
import { reference } from '../../src/engine/reference/reference.js';
import { ConfigError } from '../../src/config/errors.js';
import { host } from '../../src/host.js';
import {
  compare,
  isServing,
  loadConfig,
  sensitivityOf,
  serveAll,
  simulate,
  type SimulateOptions,
} from '../../src/index.js';
import { capacityTable } from '../../src/studies/capacity/table.js';
import { compareMarkdown, compareTable } from '../../src/studies/compare/table.js';
import type { RunDetail } from '../../src/report/detail.js';
import { diffText } from '../../src/studies/diff/text.js';
import { explainTable } from '../../src/studies/explain/table.js';
import { fleetTable } from '../../src/studies/fleet/table.js';
import { servingTable } from '../../src/studies/serve/table.js';
import { runTable } from '../../src/report/table.js';
import { diffConfig } from '../../src/studies/diff/diff.js';
import { explain } from '../../src/studies/explain/explain.js';
import { inspect } from '../../src/studies/inspect/inspect.js';

/** A command on a configuration file; the signal ends what it simulates. */
export type Command = (path: string, sets: string[], signal: AbortSignal) => Promise<unknown>;

const plain = { color: false };
const options = (signal: AbortSignal, more: Partial<SimulateOptions> = {}): SimulateOptions => ({
  ...{ engine: 'fast', shards: 1, memo: true, signal, ...host },
  ...more,
});

const run =
  (more: Partial<SimulateOptions> = {}): Command =>
  async (path, sets, signal) => {
    const config = loadConfig(path, sets);
    let detail: RunDetail | undefined;
    const listening = options(signal, { ...more, onDetail: (last) => (detail = last) });
    if (isServing(config)) {
      const served = await serveAll(config, path, sets, listening);
      const { document } = served;
      return runFiles(document, detail!, servingTable(document.serving, plain), { served });
    }
    const document = await simulate(config, listening);
    return runFiles(document, detail!, runTable(document, plain));
  };

const look =
  (...[what, core]: [Parameters<typeof inspect>[1], Parameters<typeof inspect>[2]?]): Command =>
  async (path, sets) =>
    (await inspect(loadConfig(path, sets), what, core)).text;

export const COMMANDS: Record<string, Command> = {
  run: run(),
  'run --no-memo': run({ memo: false }),
  'run --engine reference': run({ engine: 'reference' }),
  'run --sensitivity': async (path, sets, signal) => {
    const config = loadConfig(path, sets);
    if (isServing(config)) throw new ConfigError('--sensitivity: expected a decode run');
    const finished = await simulate(config, options(signal));
    const found = await sensitivityOf(finished, path, sets, options(signal));
    return runTable({ ...finished, ...found }, plain);
  },
  compare: async (path, sets, signal) => {
    const configs = ['row-major', 'snake'].map((strategy) =>
      loadConfig(path, [...sets, `placement.strategy=${strategy}`]),
    );
    const document = await compare(configs, options(signal));
    return [compareTable(document, plain), compareMarkdown(document)];
  },
  'inspect wafer': look('wafer'),
  'inspect model': look('model'),
  'inspect placement': look('placement'),
  'inspect placement --core': look('placement', { x: 0, y: 0 }),
  'inspect program': look('program'),
  'inspect program --core': look('program', { x: 0, y: 0 }),
  diff: async (path, sets, signal) => {
    const engines: Parameters<typeof diffConfig>[1] = [
      ['reference', reference],
      ['fast', fast],
    ];
    const document = await diffConfig(loadConfig(path, sets), engines, { signal, ...host });
    if (document.difference !== null) throw new Error('internal error: engines differ');
    return diffText(document, plain);
  },
  explain: async (path, sets) => explainTable(explain(loadConfig(path, sets)), plain),
  fleet: async (path, sets, signal) => {
    const limits = { megawatts: 1, pue: 1.2, speed: 1000 };
    const all = scenariosOf(loadConfig(path, sets), path, sets);
    const rows = await withThreads(options(signal), async (work) =>
      Promise.all(all.map(async (one) => fleetRow(one.scenario, one.config, limits, work))),
    );
    return fleetTable({ schema: 'wafersim.fleet/1', ...limits, rows } as never, plain);
  },
  capacity: async (path, sets, signal) => {
    const base = loadConfig(path, sets);
    if (!isServing(base)) throw new ConfigError('workload.kind: expected serving, found decode');
    const [{ scenario, config }] = scenariosOf(base, path, sets);
    const prepared = await withThreads(options(signal), async (work) =>
      prepare(scenario, config, work),
    );
    const result = capacityOf([prepared], [readSlo('ttft.p99<=500ms')], 0.2);
    return capacityTable({ schema: 'wafersim.capacity/1', scenario, ...result } as never, plain);
  },
};
