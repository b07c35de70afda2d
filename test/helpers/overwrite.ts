/** Memory of a program, spoilt on purpose. */
import type { RunInput } from '../../src/engine/engine.js';

/** Changes the cells of a buffer on every core that has it. */
export function overwrite(
  { program, memory }: RunInput,
  name: string,
  to: (value: number) => number,
) {
  program.roleOf.forEach((role, core) => {
    const buffer = program.roles[role].buffers.find((of) => of.name === name);
    if (buffer === undefined) return;
    for (let i = buffer.at; i < buffer.at + buffer.length; i++)
      memory![core][i] = to(memory![core][i]);
  });
}
