/**
 * The rooms of src/ and what each may import: data flows one way, from the hardware to the report,
 * and only the sharded engine knows threads, only the commands print and exit.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { describe, expect, it } from 'vitest';

/** Room -> rooms it may import; `:type` allows `import type` only. */
const MAY_IMPORT: Record<string, string[]> = {
  numeric: [],
  hardware: ['numeric'],
  model: ['numeric'],
  // What differs between Node and a page; threads are some of it.
  platform: ['engine'],
  // Files of weights, tensor by tensor.
  checkpoint: ['model', 'platform'],
  program: ['numeric', 'hardware'],
  kernels: ['program'],
  mapping: ['numeric:type', 'hardware:type', 'model', 'program:type'],
  placement: ['numeric', 'hardware', 'mapping', 'model'],
  lowering: ['numeric', 'hardware', 'mapping', 'model', 'placement', 'program', 'kernels'],
  // What a program did in every cycle: written by the reference engine, read by a player.
  recording: ['hardware'],
  engine: ['numeric', 'hardware', 'program', 'recording'],
  decode: [
    ...['numeric', 'hardware', 'model', 'program', 'kernels', 'mapping', 'placement', 'lowering'],
    ...['engine', 'config', 'report:type', 'identity', 'checkpoint', 'platform'],
  ],
  serving: ['numeric'],
  report: ['config:type', 'placement:type', 'serving:type', 'hardware', 'recording'],
  // Folders of results: whole or absent; data as files of other programs.
  store: ['report:type'],
  // How YAML becomes values; config.ts is its door.
  config: ['hardware', 'mapping', 'model', 'serving:type', 'checkpoint', 'platform'],
  studies: [
    ...['numeric', 'hardware', 'model', 'program', 'kernels', 'mapping', 'placement', 'lowering'],
    ...['engine', 'decode', 'serving', 'config', 'report', 'identity', 'host', 'bundled'],
    ...['checkpoint', 'store', 'exit', 'platform', 'recording'],
  ],
  // A file of its own each: the package, the host, exit codes, what a document is of.
  bundled: ['platform'],
  host: [],
  exit: [],
  identity: ['bundled', 'config', 'report:type', 'platform'],
  // The library.
  index: [
    ...['engine', 'model', 'placement', 'decode', 'config', 'report:type', 'store', 'studies'],
    ...['bundled', 'host', 'identity', 'platform'],
  ],
  // The library for pages.
  browser: [
    ...['engine', 'model', 'placement', 'decode:type', 'config', 'report:type', 'studies'],
    ...['hardware:type', 'host', 'platform', 'recording:type'],
  ],
  // A page with the library in its worker.
  playground: ['browser', 'config', 'recording:type', 'report', 'studies'],
  cli: ['index', 'report', 'exit'],
};

/**
 * Study (a folder of studies/) -> other studies that it may ask: two, next to the steps that many share. The documents
 * tell what all of them found.
 */
const MAY_ASK: Record<string, string[]> = {
  acceptance: [],
  bench: ['kernel', 'serve'],
  capacity: ['serve', 'steps'],
  compare: ['search', 'serve', 'steps'],
  diff: ['kernel'],
  documentation: [
    ...['acceptance', 'bench', 'capacity', 'compare', 'diff', 'explain', 'fleet', 'run', 'serve'],
    ...['services', 'steps', 'sweep', 'validate'],
  ],
  explain: [],
  fleet: ['serve', 'steps'],
  inspect: [],
  kernel: [],
  run: ['search', 'steps'],
  search: [],
  sensitivity: ['steps'],
  serve: ['run', 'steps'],
  services: ['steps', 'validate'],
  steps: [],
  sweep: ['run', 'serve', 'steps'],
  validate: ['kernel', 'run', 'steps'],
};

/** Room -> packages and node modules it may import. */
const PACKAGES: Record<string, string[]> = {
  numeric: ['seedrandom'],
  hardware: [],
  recording: [],
  model: ['zod'],
  platform: [],
  checkpoint: ['@huggingface/tokenizers'],
  mapping: [],
  placement: [],
  program: [],
  kernels: [],
  lowering: [],
  engine: ['flatqueue'],
  decode: [],
  serving: ['flatqueue', 'papaparse'],
  report: ['cli-table3', 'papaparse', 'uplot', 'zod'],
  store: [
    ...['fflate', 'hyparquet-writer', 'node:crypto', 'node:fs', 'node:module', 'node:os'],
    ...['node:path', 'node:url'],
  ],
  config: ['js-quantities', 'yaml', 'zod'],
  studies: ['bullmq', 'comlink', 'ioredis', 'yaml', 'zod'],
  bundled: [],
  host: [],
  exit: [],
  identity: [],
  index: [],
  browser: [],
  playground: [],
  cli: [
    ...['commander', 'cli-progress', 'node:child_process', 'node:crypto', 'node:fs', 'node:module'],
    ...[
      'node:os',
      'node:path',
      'node:url',
      'node:v8',
      'node:vm',
      'node:worker_threads',
      'node:zlib',
    ],
  ],
};

/** Folder or file below src/ -> packages and node modules that it alone of its room may import. */
const FOLDER_PACKAGES: Record<string, string[]> = {
  'platform/node.ts': [
    ...['node:crypto', 'node:fs', 'node:module', 'node:os', 'node:path', 'node:timers/promises'],
    'node:util',
  ],
  'platform/browser.ts': ['@noble/hashes/sha2.js', 'pathe', 'zod'],
  'engine/sharded': [
    ...['node:module', 'node:url', 'node:worker_threads'],
    ...['comlink', 'msgpackr/pack', 'msgpackr/unpack'],
  ],
  'studies/serve/http': [
    ...['node:crypto', 'node:http', 'node:net:type', 'node:stream:type', 'prom-client', 'ws'],
  ],
  'studies/sensitivity': ['node:worker_threads'],
  'studies/serve': ['node:path'],
  'studies/steps': ['node:module', 'node:url', 'node:worker_threads'],
  'studies/sweep/queue': [
    ...['node:fs', 'node:module', 'node:os', 'node:path', 'node:url', 'node:worker_threads'],
  ],
  'studies/sweep': [...['node:crypto', 'node:path', 'node:timers/promises', 'node:worker_threads']],
};

/** Where Node may be known at all; everything else runs in pages too. */
const OF_NODE =
  /^(?:platform\/node\.ts$|(?:store|cli|engine\/sharded|studies\/(?:sensitivity|serve|steps|sweep))\/)/;

const CLOCK = /\b(?:Date\.now|new Date|performance\.(?:now|timeOrigin)|process\.hrtime)\b/;
const RANDOM = /\bMath\.random\b/;
/** What changes files; the process itself removes what is not to outlive it. */
const WRITES =
  /\b(?:writeFile|appendFile|mkdir|mkdtemp|rename|rm|rmdir|unlink|link|symlink|write|utimes|truncate|copyFile|cp)Sync\b|\bcreateWriteStream\b/;
const OUTSIDE = /\bconsole\.|\bprocess\.(?:exit|stdout|stderr|env|argv)\b/;

interface Import {
  from: string;
  typeOnly: boolean;
}

const IMPORT =
  /(?:^|[;\s])(?:(?:import|export)\s+(type\s+)?(?:[\w*{}\s,$]+?\s+from\s+)?|import\s*\(\s*)['"]([^'"]+)['"]/g;

function importsOf(source: string): Import[] {
  return [...withoutComments(source).matchAll(IMPORT)].map((match) => ({
    from: match[2],
    typeOnly: match[1] !== undefined,
  }));
}

function withoutComments(source: string): string {
  return source.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/(^|[\s;{}(,])\/\/.*$/gm, '$1');
}

/** The folder that a file is in; a file of none is a room by itself. */
function roomOf(path: string): string {
  return path.split('/')[0].replace(/\.[jt]s$/, '');
}

/** The folder of studies/ that a file is in; none of what they all share. */
function studyOf(path: string): string | undefined {
  return /^studies\/(\w+)\//.exec(path)?.[1];
}

/** What a file (path below src/) does that its room must not do, one line each. */
function violations(path: string, source: string): string[] {
  const room = roomOf(path);
  const wrong = importsOf(source)
    .filter((imported) => !allowed(path, imported))
    .map(({ from, typeOnly }) => `${path} imports ${typeOnly ? 'types of ' : ''}${from}`);
  if (!(room in MAY_IMPORT)) wrong.push(`${path} is in a room that the table does not know`);
  const code = withoutComments(source);
  const writes = WRITES.exec(code);
  if (writes && room !== 'store' && path !== 'cli/main.ts')
    wrong.push(`${path} uses ${writes[0]} (writes files)`);
  // The commands and what `host` of a document tells are the only ones that look at the machine; pages do in a browser.
  if (room !== 'cli' && path !== 'host.ts' && path !== 'report/page-script.ts') {
    for (const [what, pattern] of Object.entries({ CLOCK, RANDOM, OUTSIDE })) {
      const found = pattern.exec(code);
      if (found) wrong.push(`${path} uses ${found[0]} (${what.toLowerCase()})`);
    }
  }
  return wrong;
}

function allowed(path: string, { from, typeOnly }: Import): boolean {
  const room = roomOf(path);
  if (!from.startsWith('.')) {
    const own = Object.entries(FOLDER_PACKAGES).find(
      ([name]) => path === name || path.startsWith(`${name}/`),
    );
    return matches([...(own?.[1] ?? []), ...(PACKAGES[room] ?? [])], from, typeOnly);
  }
  const target = posix.join(posix.dirname(path), from);
  if (target.startsWith('..')) return false;
  const targetRoom = roomOf(target);
  const [study, other] = [studyOf(path), studyOf(target)];
  if (study !== undefined && other !== undefined)
    return study === other || (MAY_ASK[study] ?? []).includes(other);
  return targetRoom === room || matches(MAY_IMPORT[room] ?? [], targetRoom, typeOnly);
}

/** What a table permits a room, or a study, and none of its files does, one line each. */
function unused(
  table: Record<string, string[]>,
  sources: [path: string, source: string][],
  nameOf: (path: string) => string | undefined = roomOf,
) {
  const done = new Set(
    sources.flatMap(([path, source]) =>
      importsOf(source).map(({ from }) => {
        const target = from.startsWith('.') ? nameOf(posix.join(posix.dirname(path), from)) : from;
        return `${nameOf(path)} may import ${target}`;
      }),
    ),
  );
  return Object.entries(table)
    .flatMap(([room, list]) => list.map((name) => `${room} may import ${name.split(':type')[0]}`))
    .filter((permission) => !done.has(permission));
}

function matches(list: string[], name: string, typeOnly: boolean): boolean {
  return list.includes(name) || (typeOnly && list.includes(`${name}:type`));
}

describe('the rooms of src/', () => {
  const root = new URL('../src/', import.meta.url);
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.ts'));

  it('are found by the scan, with their imports', () => {
    const imports = files.flatMap((path) => importsOf(read(path)));
    expect(files).toContain('engine/engine.ts');
    expect(imports.length).toBeGreaterThan(5);
    expect(importsOf(read('program/timing.ts')).map((i) => i.from)).toEqual([
      '../numeric/types.js',
      '../hardware/wafer.js',
      './program.js',
    ]);
  });

  it('import only what the table allows, and leave clocks, chance and output to the commands', () => {
    expect(files.flatMap((path) => violations(path, read(path)))).toEqual([]);
  });

  it('use every permission that the tables give them', () => {
    const sources = files.map((path): [string, string] => [path, read(path)]);
    expect([
      ...unused(MAY_IMPORT, sources),
      ...unused(PACKAGES, sources),
      ...unused(FOLDER_PACKAGES, sources, (path) =>
        path in FOLDER_PACKAGES ? path : posix.dirname(path),
      ),
      ...unused(MAY_ASK, sources, studyOf),
    ]).toEqual([]);
  });

  it('know Node in few places, and nowhere that the library for pages reaches', () => {
    const ofNode = (path: string) =>
      importsOf(read(path)).filter(({ from }) => from.startsWith('node:'));
    expect(files.filter((path) => !OF_NODE.test(path) && ofNode(path).length > 0)).toEqual([]);
    const reached = reachedFrom('browser.ts', read);
    expect(reached).toContain('engine/fast/machine.ts');
    expect(reached.flatMap(ofNode)).toEqual([]);
  });

  it('have a row for each study, which asks at most two others next to the steps, unless it tells of all', () => {
    const studies = new Set(files.flatMap((path) => studyOf(path) ?? []));
    expect(Object.keys(MAY_ASK)).toEqual([...studies].toSorted());
    const { documentation: _all, ...others } = MAY_ASK;
    const asked = Object.values(others).map((list) => list.filter((name) => name !== 'steps'));
    expect(Math.max(...asked.map(({ length }) => length))).toBeLessThanOrEqual(2);
  });

  function read(path: string): string {
    return readFileSync(new URL(path, root), 'utf8');
  }
});

/** The files that run where one runs in a page: what is bundled for pages has browser.ts in place of node.ts. */
function reachedFrom(first: string, read: (path: string) => string): string[] {
  const reached = new Set([first]);
  for (const path of reached)
    for (const { from, typeOnly } of importsOf(read(path))) {
      if (typeOnly || !from.startsWith('.')) continue;
      const to = posix.join(posix.dirname(path), from).replace(/\.js$/, '.ts');
      reached.add(to === 'platform/node.ts' ? 'platform/browser.ts' : to);
    }
  return [...reached];
}

describe('the files of the machine in WebAssembly', () => {
  /** Files that are left when again and again those go that import none of the others. */
  function circle(imports: Map<string, string[]>): string[] {
    const left = new Map(imports);
    const free = () => [...left].find(([, from]) => from.every((file) => !left.has(file)));
    for (let next = free(); next !== undefined; next = free()) left.delete(next[0]);
    return [...left.keys()];
  }

  it('import one another without a circle', () => {
    const folder = new URL('../src/engine/fast/assembly/', import.meta.url);
    const files = readdirSync(folder).filter((name) => name.endsWith('.ts'));
    const imports = files.map((name): [string, string[]] => {
      const source = readFileSync(new URL(name, folder), 'utf8');
      return [name, importsOf(source).map(({ from }) => `${from.slice(2)}.ts`)];
    });
    expect(imports.find(([name]) => name === 'streams.ts')?.[1]).toContain('traffic.ts');
    expect(circle(new Map(imports))).toEqual([]);
  });

  it('would be found in one', () => {
    const imports = { a: ['b', 'd'], b: ['c'], c: ['a'], d: [], e: ['d'] };
    expect(circle(new Map(Object.entries(imports)))).toEqual(['a', 'b', 'c']);
  });
});

describe('the scan', () => {
  const bad: [string, string][] = [
    ['hardware/wafer.ts', "import { x } from '../program/program.js';"],
    ['program/program.ts', "import type { ModelSpec } from '../model/model.js';"],
    ['mapping/gqa.ts', "import { layOut } from '../program/builder.js';"],
    ['mapping/gqa.ts', "import { decoderLayer } from '../lowering/layer.js';"],
    ['lowering/layer.ts', "import { reference } from '../engine/reference/reference.js';"],
    ['lowering/layer.ts', "import type { Engine } from '../engine/engine.js';"],
    ['serving/serve.ts', "import { fast } from '../engine/fast/fast.js';"],
    ['report/table.ts', "import { place } from '../placement/place.js';"],
    ['placement/place.ts', "import { main } from '../cli/main.js';"],
    ['placement/place.ts', "import { simulate } from '../decode/simulate.js';"],
    ['engine/fast/fast.ts', "import { readFileSync } from 'node:fs';"],
    ['engine/fast/fast.ts', "import { z } from 'zod';"],
    ['engine/fast/fast.ts', "import { parse } from 'yaml';"],
    ['engine/fast/fast.ts', "import { Worker } from 'node:worker_threads';"],
    ['engine/fast/fast.ts', "const { wrap } = await import('comlink');"],
    ['studies/serve/serve.ts', "import { createServer } from 'node:http';"],
    ['studies/serve/http/endpoint.ts', "import { connect } from 'node:net';"],
    ['engine/fast/ring.ts', "import 'fs';"],
    ['engine/fast/fast.ts', 'const t = performance.now();'],
    ['lowering/layer.ts', 'const seed = Math.random();'],
    ['decode/simulate.ts', 'const t = Date.now();'],
    ['decode/simulate.ts', "console.log('done');"],
    ['report/table.ts', 'process.exit(1);'],
    ['report/table.ts', "const plain = process.env['NO_COLOR'];"],
    ['store/cache-folder.ts', "import { simulate } from '../decode/simulate.js';"],
    ['store/cache-folder.ts', 'const t = Date.now();'],
    ['config/schema.ts', "import { fast } from '../engine/fast/fast.js';"],
    ['config/files.ts', "import { readFileSync } from 'node:fs';"],
    ['platform/browser.ts', "import { join } from 'node:path';"],
    ['studies/run/run.ts', "import { join } from 'node:path';"],
    ['cli/main.ts', "import { x } from '../../test/x.js';"],
    ['cli/run.ts', "import { simulate } from '../decode/simulate.js';"],
    ['cli/fleet.ts', "import type { FleetDocument } from '../studies/fleet/table.js';"],
    ['studies/fleet/fleet.ts', "import { runKernel } from '../kernel/kernel.js';"],
    ['studies/fleet/table.ts', "import type { Kernel } from '../kernel/kernels.js';"],
    ['studies/fleet/fleet.ts', 'process.exitCode = 1; process.exit();'],
    ['report/table.ts', "import type { CompareRow } from '../studies/compare/document.js';"],
    ['decode/simulate.ts', "import { withShape } from '../studies/search/shaped.js';"],
    ['studies/run/run.ts', "writeFileSync('run.json', text);"],
    ['cli/run.ts', "mkdirSync('runs');"],
    ['utils/misc.ts', 'export const one = 1;'],
  ];
  it.each(bad)('refuses in %s: %s', (path, source) => {
    expect(violations(path, source)).toHaveLength(1);
  });

  const good: [string, string][] = [
    ['decode/token.ts', "import type { RunResult } from '../engine/engine.js';"],
    ['report/table.ts', "import type { Region } from '../placement/placement.js';"],
    ['engine/sharded/worker.ts', "import { parentPort } from 'node:worker_threads';"],
    ['studies/serve/http/endpoint.ts', "import type { Socket } from 'node:net';"],
    [
      'engine/fast/fast.ts',
      "// Date.now() would be wrong here\n/* console.log */ const now = 'a//b';",
    ],
    ['studies/fleet/fleet.ts', "import { withThreads } from '../steps/work.js';"],
    ['studies/bench/baseline.ts', "import { IncomparableError } from '../incomparable.js';"],
    ['cli/main.ts', "console.error('x'); process.exit(2); performance.now();"],
  ];
  it.each(good)('accepts in %s: %s', (path, source) => {
    expect(violations(path, source)).toEqual([]);
  });

  it('names permissions that nothing uses', () => {
    const table = { model: ['numeric', 'zod', 'hardware:type'] };
    const source = "import * as z from 'zod';\nimport type { Mesh } from '../hardware/mesh.js';";
    expect(unused(table, [['model/model.ts', source]])).toEqual(['model may import numeric']);
    expect(unused(table, [['placement/model.ts', source]])).toHaveLength(3);
  });

  it("follows what is imported at run time, to the page's side of the platform", () => {
    const files: Record<string, string> = {
      'browser.ts': "import { a } from './config/a.js'; import type { t } from './store/t.js';",
      'config/a.ts': "import { join } from '../platform/node.js'; import { z } from 'zod';",
      'platform/browser.ts': '',
    };
    expect(reachedFrom('browser.ts', (path) => files[path])).toEqual([
      'browser.ts',
      'config/a.ts',
      'platform/browser.ts',
    ]);
  });

  it('reads imports that span lines', () => {
    expect(
      importsOf("import {\n  type A,\n  b,\n} from './b.js';\nimport type * as c from 'c';"),
    ).toEqual([
      { from: './b.js', typeOnly: false },
      { from: 'c', typeOnly: true },
    ]);
  });
});
