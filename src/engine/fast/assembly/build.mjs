/** Translates the machine, once for each width of times, and writes it as a module that the engine can import. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** The source of a file; of time.ts with times of so many bits, of notes.ts with what is to be noted. */
function sourceOf(file, bits, notes) {
  try {
    const source = readFileSync(here(file), 'utf8');
    if (file === 'time.ts') return source.replaceAll('i32', `i${bits}`);
    if (file !== 'notes.ts') return source;
    return notes.reduce(
      (text, name) => text.replace(`${name}: bool = false`, `${name}: bool = true`),
      source,
    );
  } catch {
    // The compiler tries a few names.
    return null;
  }
}

async function translate(bits, notes = []) {
  let binary;
  const { error, stderr } = await asc.main(
    [
      ...['main.ts', '--outFile', 'main.wasm'],
      ...['-O3', '--noAssert', '--runtime', 'stub', '--memoryBase', '8192'],
      // One memory for all threads of a run, up to all that 32 bits can address.
      ...['--enable', 'threads', '--sharedMemory', '--importMemory'],
      ...['--initialMemory', '1', '--maximumMemory', '65536'],
    ],
    {
      readFile: (file) => sourceOf(file, bits, notes),
      writeFile: (_, contents) => (binary = contents),
      listFiles: () => [],
    },
  );
  if (error) {
    process.stderr.write(`${stderr.toString()}${error.message}\n`);
    process.exit(1);
  }
  return Buffer.from(binary).toString('base64');
}

/** The numbers that a module exports; those with a name of two parts are fields of one object. */
async function constantsOf(code) {
  const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536, shared: true });
  const nothing = () => {};
  const imports = {
    env: { memory },
    memory: { outOfMemory: nothing, noMemory: nothing },
    main: { reachLimit: nothing },
    threads: { sleep: nothing, wake: nothing },
  };
  const { instance } = await WebAssembly.instantiate(Buffer.from(code, 'base64'), imports);
  const constants = {};
  for (const [name, { value }] of Object.entries(instance.exports)) {
    if (value === undefined) continue;
    const [group, field] = name.split('_', 2);
    const isField = group === group.toLowerCase();
    if (isField) (constants[group.toUpperCase()] ??= {})[field] = value;
    else constants[name] = typeof value === 'bigint' ? Number(value) : value;
  }
  return constants;
}

const [code32, code64] = [await translate(32), await translate(64)];
const lines32 = await translate(32, ['NOTES_MOVES']);
const paths32 = await translate(32, ['NOTES_MOVES', 'NOTES_EVENTS']);
const { NEVER, ...constants } = await constantsOf(code32);
const { NEVER: never64, ...same } = await constantsOf(code64);
if (text(constants) !== text(same)) throw new Error('the two translations differ in a constant');

function text(value) {
  if (typeof value !== 'object') return String(value);
  return `{ ${Object.entries(value)
    .map(([name, part]) => `${name}: ${text(part)}`)
    .join(', ')} }`;
}

const lines = [
  '/** Generated from assembly/ by `npm run machine`: the machine as base64, by the bits of its times; for lines, for paths. */',
  'export const MACHINE_CODE = {',
  `  32: '${code32}',`,
  `  64: '${code64}',`,
  `  lines: '${lines32}',`,
  `  paths: '${paths32}',`,
  '};',
  '/** What the machine and its host share, see assembly/shared.ts; later than any cycle, by bits. */',
  `export const NEVER = { 32: ${NEVER}, 64: ${never64} };`,
  ...Object.entries(constants).map(([name, value]) => `export const ${name} = ${text(value)};`),
];
writeFileSync(here('../machine-code.ts'), `${lines.join('\n')}\n`);
