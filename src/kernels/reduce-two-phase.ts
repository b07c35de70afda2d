/**
 * Two-phase reduce: chains inside groups end at the group's first core, its head; the heads then
 * chain to core 0. The farthest head relays its group's sum straight on; the others store it and
 * set up a second operation. Two colours alternate inside groups, two more from head to head.
 *
 * A core lets the heads' words pass only when its own relay is through, as the published program
 * does (pr0f3ss/SpMM_Cerebras, two colours: the passing route takes the place of the core's own).
 * Were the way open before, the farthest head's words would fill its queues and take cycles of the
 * links from the chain that still runs there.
 */
import { EAST, portMask, WEST } from '../hardware/mesh.js';
import type { WaferSpec } from '../hardware/wafer.js';
import type { Operation, Program, Route } from '../program/program.js';
import { assemble, kernelCodeBytes, memoryMap } from './assemble.js';
import { accumulate, relay, role, send, sendWest, takeFromEast, type Vector } from './streams.js';
import type { ReduceOptions } from './reduce.js';

const LABELS = ['groups', 'heads'];
const GROUPS = 0;
const HEADS = 1;

/** Where a core stands: in its group, and its group among the groups (the last may be short). */
interface Station {
  place: number;
  size: number;
  group: number;
  groups: number;
}

function stationAt(x: number, o: ReduceOptions): Station {
  const group = Math.floor(x / o.group);
  return {
    place: x % o.group,
    size: Math.min(o.group, o.pes - group * o.group),
    group,
    groups: Math.ceil(o.pes / o.group),
  };
}

/** A row of `pes` cores in groups of `group`; ends when core 0 has stored the sum. */
export function twoPhaseReduce(o: ReduceOptions, wafer: WaferSpec): Program {
  const { program, station } = assemble('reduce two-phase', o.pes, 1, LABELS, 0);
  for (let x = 0; x < o.pes; x++) {
    const s = stationAt(x, o);
    const last = s.group === s.groups - 1 ? ' last' : s.group === 0 ? ' first' : '';
    const end = s.place === s.size - 1 ? ' end' : '';
    const parity = s.place === 0 ? '' : ` ${s.place % 2}`;
    const name = `${s.place === 0 ? 'head' : 'core'}${parity}${end}${last} ${s.group % 2}`;
    station(x, name, () => {
      const memory = memoryMap();
      const at = memory.add('vector', o.dtype, o.words, true);
      const vector = { label: GROUPS, type: o.dtype, at, length: o.words };
      return role(name, {
        routes: routesOf(s),
        operations: s.place === 0 ? headOperations(s, vector) : memberOperations(s, vector),
        buffers: memory.buffers,
        codeBytes: kernelCodeBytes(wafer),
      });
    });
  }
  return program;
}

function memberOperations(s: Station, vector: Vector): Operation[] {
  const [to, from] = groupColors(s);
  const operations: Operation[] = [
    s.place === s.size - 1 ? send(vector, to) : relay(vector, from, to),
  ];
  if (s.group < s.groups - 1) operations.push(letPass(headColors(s)[1]));
  return operations;
}

function letPass(color: number): Operation {
  const [inputs, outputs] = [portMask(EAST), portMask(WEST)];
  return { kind: 'route', label: GROUPS, color, inputs, outputs };
}

function headOperations(s: Station, vector: Vector): Operation[] {
  const own = groupColors(s)[1];
  const [to, from] = headColors(s);
  const hasMembers = s.size > 1;
  const second = { ...vector, label: HEADS };
  if (s.group === s.groups - 1 && s.group > 0)
    return [hasMembers ? relay(second, own, to) : send(second, to)];
  const operations: Operation[] = hasMembers ? [accumulate(vector, own)] : [];
  if (s.groups > 1)
    operations.push(s.group === 0 ? accumulate(second, from) : relay(second, from, to));
  return operations;
}

function routesOf(s: Station): Route[] {
  const routes: Route[] = [];
  const [to, from] = groupColors(s);
  const [headTo, headFrom] = headColors(s);
  if (s.place > 0) routes.push(sendWest(to));
  if (s.place < s.size - 1) routes.push(takeFromEast(from));
  if (s.place === 0 && s.group > 0) routes.push(sendWest(headTo));
  if (s.place === 0 && s.group < s.groups - 1) routes.push(takeFromEast(headFrom));
  return routes;
}

/** Colours towards and from the east inside a group. */
function groupColors(s: Station): [to: number, from: number] {
  return [s.place % 2, (s.place + 1) % 2];
}

/** Colours on which a group's head sends and receives. */
function headColors(s: Station): [to: number, from: number] {
  return [2 + (s.group % 2), 2 + ((s.group + 1) % 2)];
}
