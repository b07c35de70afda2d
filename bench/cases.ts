/** Programs that engines are measured on: the network alone under synthetic traffic, and layers. */
import { loadConfig, loadHardware } from '../src/config.js';
import type { RunInput } from '../src/engine/engine.js';
import { fast } from '../src/engine/fast/fast.js';
import { loweredOf } from '../src/decode/lowered.js';
import { kernelProgram, type KernelOptions } from '../src/studies/kernel/kernel.js';
import type { Program } from '../src/program/program.js';
import { placementOf } from '../src/decode/place.js';

export interface Case {
  name: string;
  build: () => RunInput | Promise<RunInput>;
  /** Too long for an engine that visits wavelet by wavelet, unless asked for. */
  long?: boolean;
}

const HARDWARE = 'configs/hardware/wse3.yaml';

function traffic(options: KernelOptions): RunInput {
  const { wafer } = loadHardware(HARDWARE, []);
  const { program } = kernelProgram('traffic', { cycles: 500, seed: '1', ...options }, wafer);
  return { program, wafer };
}

/** Every core sends 8 to the east: 8 colours a link, 80 % of what it can carry. */
const shift = (mesh: string) => traffic({ pattern: 'shift', distance: 8, load: 0.1, mesh });

/** The same program with as much idle area again below it. */
function withIdleArea({ program, wafer }: RunInput): RunInput {
  const { width, height, roles, roleOf } = program;
  const twice = new Uint16Array(2 * roleOf.length).fill(roles.length);
  twice.set(roleOf);
  const idle = { name: 'idle', routes: [], operations: [], buffers: [], codeBytes: 0 };
  const larger: Program = { ...program, height: 2 * height, width, roles: [...roles, idle] };
  return { program: { ...larger, roleOf: twice }, wafer };
}

/** One layer of a configuration's model, hand-off included, all cores starting at once. */
async function layer(path: string): Promise<RunInput> {
  const config = loadConfig(path, ['workload.data=false']);
  const { wafer, workload } = config;
  const placement = placementOf(config);
  const { context } = workload;
  const maxPositions = context + workload.tokens;
  const lowered = await loweredOf(config, placement, maxPositions, { run: fast });
  const { stages } = lowered.plan({ context, maxPositions });
  const { program } = stages.find(({ name }) => name === 'layer 1')!.write();
  return { program, wafer };
}

export const CASES: Case[] = [
  {
    name: 'neighbor 64x64, load 0.8',
    build: () => traffic({ pattern: 'neighbor', mesh: '64x64', load: 0.8 }),
  },
  { name: 'shift by 8, 16x16, load 0.1', build: () => shift('16x16') },
  { name: 'shift by 8, 32x32, load 0.1', build: () => shift('32x32') },
  { name: 'shift by 8, 64x64, load 0.1', build: () => shift('64x64') },
  { name: 'shift by 8, 64x64, idle area twice', build: () => withIdleArea(shift('64x64')) },
  { name: 'shift by 8, 128x128, load 0.1', build: () => shift('128x128'), long: true },
  { name: 'shift by 8, 256x256, load 0.1', build: () => shift('256x256'), long: true },
  {
    name: 'multicast to 63, 64x64, load 0.5',
    build: () => traffic({ pattern: 'multicast', mesh: '64x64', load: 0.5 }),
  },
  { name: 'layer of the tiny model', build: () => layer('configs/tiny.yaml') },
  {
    name: 'layer of Llama-3.1-8B, 4,096 tokens',
    build: () => layer('configs/wse3.yaml'),
    long: true,
  },
];
