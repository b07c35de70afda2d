/** Translates the machine, and writes it as a module that the engine can import. */
import { writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import asc from 'assemblyscript/asc';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
let binary;
const { error, stderr } = await asc.main(
  [
    ...['main.ts', '--baseDir', here('.'), '--outFile', 'main.wasm'],
    ...['-O3', '--noAssert', '--runtime', 'stub', '--memoryBase', '8192'],
    // One memory for all threads of a run, up to all that 32 bits can address.
    ...['--enable', 'threads', '--sharedMemory', '--importMemory'],
    ...['--initialMemory', '1', '--maximumMemory', '65536'],
  ],
  { writeFile: (_, contents) => (binary = contents) },
);
if (error) {
  process.stderr.write(`${stderr.toString()}${error.message}\n`);
  process.exit(1);
}
const text = Buffer.from(binary).toString('base64');
writeFileSync(
  here('../machine-code.ts'),
  `/** Generated from assembly/ by \`npm run machine\`: the machine as base64. */\nexport const MACHINE_CODE =\n  '${text}';\n`,
);
