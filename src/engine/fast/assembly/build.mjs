/** Translates the machine, once for each width of times, and writes it as a module that the engine can import. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));

/** The source of a file; of time.ts with times of so many bits. */
function sourceOf(file, bits) {
  try {
    const source = readFileSync(here(file), 'utf8');
    return file === 'time.ts' ? source.replaceAll('i32', `i${bits}`) : source;
  } catch {
    // The compiler tries a few names.
    return null;
  }
}

async function translate(bits) {
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
      readFile: (file) => sourceOf(file, bits),
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

const lines = [
  '/** Generated from assembly/ by `npm run machine`: the machine as base64, by the bits of its times. */',
  'export const MACHINE_CODE = {',
  `  32: '${await translate(32)}',`,
  `  64: '${await translate(64)}',`,
  '};',
];
writeFileSync(here('../machine-code.ts'), `${lines.join('\n')}\n`);
