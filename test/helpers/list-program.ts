/** A program in readable form: its roles (src/program/listing.ts) and which cores have each. */
import { listRole } from '../../src/program/listing.js';
import type { Program } from '../../src/program/program.js';

/** Cores named for a role before the rest is only counted. */
const EXAMPLES = 4;

/** The whole program as lines of text, without a newline at the end. */
export function listProgram(program: Program): string {
  const { name, width, height, roles, labels, root } = program;
  const until = root === undefined ? '' : `, ends with core ${nameOf(root, width)}`;
  const head = `program '${name}': ${width} x ${height} cores, ${roles.length} roles${until}`;
  const listed = roles.map((role, index) => {
    const cores = coresOf(program, index);
    return `role ${index} on ${cores}\n${listRole(role, labels)}`;
  });
  return [head, ...listed].join('\n\n');
}

function coresOf({ roleOf, width }: Program, role: number): string {
  const some: string[] = [];
  let count = 0;
  for (let core = 0; core < roleOf.length; core++) {
    if (roleOf[core] !== role) continue;
    if (count < EXAMPLES) some.push(nameOf(core, width));
    count++;
  }
  const more = count > EXAMPLES ? ' ...' : '';
  return `${count} core${count === 1 ? '' : 's'}: ${some.join(' ')}${more}`;
}

function nameOf(core: number, width: number): string {
  return `(${core % width},${Math.floor(core / width)})`;
}
