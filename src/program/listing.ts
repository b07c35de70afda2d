/** A role in readable form: its memory, its routes and its operations in order, one per line. */
import { PORT_NAMES } from '../hardware/mesh.js';
import { sendColors, settingsOf, sramBytesOf, takeColors } from './program.js';
import type { Destination, Exchange, Operation, Passed, Role } from './program.js';
import type { LookupOp, MatvecOp, Route, ScaleAxis, Select, Source, TrafficOp } from './program.js';

/** One role as lines of text: name and bytes, buffers, routes, operations with their labels. */
export function listRole(role: Role, labels: string[]): string {
  const head = `'${role.name}': ${sramBytesOf(role)} bytes, ${role.codeBytes} of them code`;
  const operations = role.operations.map(
    (op, index) => `${index}: ${listOperation(op)}  (${labels[op.label]})`,
  );
  return [head, ...[...listMemory(role), ...operations].map((line) => `  ${line}`)].join('\n');
}

/** The buffers and the routes of a role, a line each. */
export function listMemory({ buffers, routes }: Role): string[] {
  return [
    ...buffers.map(({ name, type, at, length, preloaded }) => {
      const origin = preloaded ? ', preloaded' : '';
      return `buffer ${name}: ${type} [${at}..${at + length})${origin}`;
    }),
    ...routes.map((route) => `route ${listRoute(route)}`),
  ];
}

function listRoute(route: Route): string {
  const settings = settingsOf(route).map(({ inputs, outputs }) => {
    return `${ports(inputs)} -> ${ports(outputs)}`;
  });
  const again = route.returns && settings.length > 1 ? ', then the first again' : '';
  return `colour ${route.color}: ${settings.join(', then ')}${again}`;
}

function ports(mask: number): string {
  const names = PORT_NAMES.filter((_, port) => (mask & (1 << port)) !== 0);
  return names.length === 0 ? 'nowhere' : names.join('+');
}

/** One operation, without its label. */
export function listOperation(op: Operation): string {
  switch (op.kind) {
    case 'vector': {
      const sources = [op.a, op.b, op.c].filter((source) => source !== undefined);
      const from = sources.map(operand).join(', ');
      const by = op.by === 'task' ? ' by a task' : '';
      const mark = op.advance ? ', marks its last' : '';
      return `${op.fn}.${op.type} x${op.length} ${operand(op.dst)} <- ${from}${by}${mark}`;
    }
    case 'matvec': {
      const widen = widening(op);
      const place = `[${op.matrix}${raised(op.select)}]`;
      const matrix = `${place} ${op.rows} x ${op.length} rows of ${op.rowStride}${widen}`;
      const again = op.repeat === undefined ? '' : `, ${op.repeat} times`;
      const [out, x] = [strided(op.out, op.outStride), strided(op.x, op.xStride)];
      return `matvec.${op.type} ${op.form} ${out} += ${matrix} times ${x}${again}`;
    }
    case 'matmul': {
      const a = `[${op.a}] ${op.length} x ${op.inner}`;
      const strides = op.bStride === undefined ? '' : ` steps ${op.bRowStride}, ${op.bStride}`;
      const b = `[${op.b}] ${op.inner} x ${op.columns}${strides}`;
      const again = op.repeat === undefined ? '' : `, ${op.repeat} times`;
      return `matmul.${op.type} [${op.c}] ${op.clears ? '=' : '+='} ${a} times ${b}${again}`;
    }
    case 'special':
      return `${op.fn}.${op.type} ${op.form} x${op.length} [${op.to}] <- [${op.at}]`;
    case 'lookup': {
      const table = `[${op.table}] ${op.rows} rows from ${op.first}${widening(op)}`;
      return `lookup.${op.type} x${op.length} [${op.to}] <- row [${op.id}] of ${table}`;
    }
    case 'argmax':
      return `argmax.${op.type} x${op.length} [${op.value}], [${op.id}] <- [${op.at}]`;
    case 'keepIfEqual':
      return `keepIfEqual [${op.at}] <- ${op.otherwise} if [${op.a}] differs from [${op.b}]`;
    case 'rank':
      return `rank.${op.type} [${op.to}] <- of [${op.own}] among x${op.length} [${op.at}]${op.atLeast ? ', equal ones too' : ''}`;
    case 'put': {
      const place = `[${op.to} + ${op.stride} x [${op.test}]]`;
      return `put.${op.type} x${op.length} ${place} <- [${op.from}] if [${op.test}] < ${op.below}`;
    }
    case 'call':
      return 'call of a library';
    case 'route':
      return `route ${listRoute(op)}`;
    case 'traffic':
      return traffic(op);
    default:
      return op satisfies never;
  }
}

function traffic(op: TrafficOp): string {
  if (op.exchange !== undefined) return exchanged(op.exchange);
  const [sends, receives] = [sendColors(op), takeColors(op)];
  const colors = (list: number[]) => `${list.length > 1 ? 'colours' : 'colour'} ${list.join(', ')}`;
  const out = sends.length === 0 ? 'sends nothing' : `sends ${op.times.length} on ${colors(sends)}`;
  const into =
    receives.length === 0 ? 'takes nothing' : `takes ${op.expect} of ${colors(receives)}`;
  return `traffic ${out}, ${into}`;
}

function exchanged({ type, sends, takes }: Exchange): string {
  const vector = ({ color, at, length }: Passed) => `[${at}..${at + length}) on colour ${color}`;
  const side = (verb: string, list: Passed[]) =>
    list.length === 0 ? [] : [`${verb} ${list.map(vector).join(' and ')}`];
  return `exchange.${type} ${[...side('sends', sends), ...side('takes', takes)].join(', ')}`;
}

function strided(at: number, stride = 1): string {
  return operand({ at, stride });
}

function operand(of: Source | Destination): string {
  if ('color' in of) return `colour ${of.color}`;
  if ('constant' in of) return `${of.constant}`;
  const { at, stride, wrap, from, select } = of;
  const round = wrap === undefined ? '' : ` round ${wrap}${from ? ` from ${from}` : ''}`;
  return `[${at}${raised(select)}${stride === 1 ? '' : ` step ${stride}`}${round}]`;
}

/** How codes become numbers: by a scale for each, whose block a row or a column may name. */
function widening({ widen, scales }: Pick<MatvecOp | LookupOp, 'widen' | 'scales'>): string {
  if (!widen) return '';
  if (scales === undefined) return ' widened';
  const { at, select, rows, columns } = scales;
  const axis = ({ index, stride }: ScaleAxis, of: string) =>
    stride === 0 ? '' : ` + ${stride} x ${index === undefined ? of : `[${index} + ${of}]`}`;
  const scale = `[${at}${raised(select)}${axis(rows, 'row')}${axis(columns, 'column')}]`;
  return ` of ${widen} widened by ${scale}`;
}

/** By what an address is raised. */
function raised(select: Select | undefined): string {
  if (select === undefined) return '';
  return ` + ${select.step} x [${select.cell}] of ${select.count}`;
}
