/**
 * What host and machine have to agree on: exported by the module, written by build.mjs into
 * ../machine-code.ts (names with a `_` as fields of one object), and read from there by the host. Fields of
 * records are in words of 32 bits.
 */
import { Header, Op, Route } from './machine';

export { COUNTED_TAKES, ENDS, FIXED, FROM_CORE, LONG, RAMP, RECOLOR } from './machine';
export { ROUTE, STREAM, TASK, TRAFFIC } from './machine';
export { EVENT_WORDS, event_departs, event_sends, event_takes } from './events';
export { RUN_AT, STOP_AT } from './threads';
export { MOVES_ROWS, MOVES_WORDS, NUDGE_WORDS, moves_depends } from './moves';
export { MOST_QUIETS } from './quiet';
export { MOST_TILES } from './tiles';
export { NEVER } from './time';
export { NO_END } from './exchange';
export { MOST_CORES } from './words';

/** In place of a cycle in which a core acts: a stream that it is in; the core has not started. */
export const UNDER_WAY: f64 = -Infinity;
export const NOT_STARTED: f64 = Infinity;

/** State of a run: continues, is over, failed, is late (see `limit`), was stopped, is beyond `furthest`. */
export const state_continues: i32 = 0;
export const state_whole: i32 = 1;
export const state_broken: i32 = 2;
export const state_late: i32 = 3;
export const state_stopped: i32 = 4;
export const state_beyond: i32 = 5;

export const ROUTE_WORDS: i32 = offsetof<Route>() >> 2;
export const OP_WORDS: i32 = offsetof<Op>() >> 2;
export const op_setup: i32 = offsetof<Op>('setup') >> 2;
export const op_cycles: i32 = offsetof<Op>('cycles') >> 2;
export const op_kind: i32 = offsetof<Op>('kind') >> 2;
export const op_count: i32 = offsetof<Op>('count') >> 2;
export const op_source: i32 = offsetof<Op>('source') >> 2;
export const op_destination: i32 = offsetof<Op>('destination') >> 2;
export const op_latency: i32 = offsetof<Op>('latency') >> 2;
export const op_label: i32 = offsetof<Op>('label') >> 2;
export const op_last: i32 = offsetof<Op>('last') >> 2;
export const op_more: i32 = offsetof<Op>('a') >> 2;
export const op_sourcePlace: i32 = offsetof<Op>('sourcePlace') >> 2;
export const op_outputPlace: i32 = offsetof<Op>('outputPlace') >> 2;

/** The two times of the header, in doubles; the rest that the host writes, in words. */
export const time_programStart: i32 = offsetof<Header>('programStart') >> 3;
export const time_furthest: i32 = offsetof<Header>('furthest') >> 3;
export const header_cores: i32 = offsetof<Header>('cores') >> 2;
export const header_colors: i32 = offsetof<Header>('colors') >> 2;
export const header_width: i32 = offsetof<Header>('width') >> 2;
export const header_height: i32 = offsetof<Header>('height') >> 2;
export const header_roles: i32 = offsetof<Header>('roles') >> 2;
export const header_labels: i32 = offsetof<Header>('labels') >> 2;
export const header_hop: i32 = offsetof<Header>('hop') >> 2;
export const header_ramp: i32 = offsetof<Header>('ramp') >> 2;
export const header_depth: i32 = offsetof<Header>('depth') >> 2;
export const header_longest: i32 = offsetof<Header>('longest') >> 2;
export const header_marked: i32 = offsetof<Header>('marked') >> 2;
export const header_switches: i32 = offsetof<Header>('switches') >> 2;
export const header_tiles: i32 = offsetof<Header>('tiles') >> 2;
export const header_parts: i32 = offsetof<Header>('parts') >> 2;
export const header_partsFrom: i32 = offsetof<Header>('partsFrom') >> 2;
export const header_startAt: i32 = offsetof<Header>('startAt') >> 2;
export const header_roleOf: i32 = offsetof<Header>('roleOf') >> 2;
export const header_placeOf: i32 = offsetof<Header>('placeOf') >> 2;
export const header_coreAt: i32 = offsetof<Header>('coreAt') >> 2;
export const header_linkHops: i32 = offsetof<Header>('linkHops') >> 2;
export const header_listOf: i32 = offsetof<Header>('listOf') >> 2;
export const header_slotted: i32 = offsetof<Header>('slotted') >> 2;
export const header_kindsFrom: i32 = offsetof<Header>('kindsFrom') >> 2;
export const header_routesFrom: i32 = offsetof<Header>('routesFrom') >> 2;
export const header_kinds: i32 = offsetof<Header>('kinds') >> 2;
export const header_routes: i32 = offsetof<Header>('routes') >> 2;
export const header_opsFrom: i32 = offsetof<Header>('opsFrom') >> 2;
export const header_ops: i32 = offsetof<Header>('ops') >> 2;
export const header_gaps: i32 = offsetof<Header>('gaps') >> 2;
export const header_toTake: i32 = offsetof<Header>('toTake') >> 2;
export const header_end: i32 = offsetof<Header>('end') >> 2;
export const header_waitOutput: i32 = offsetof<Header>('waitOutput') >> 2;
export const header_linkWavelets: i32 = offsetof<Header>('linkWavelets') >> 2;
export const header_labelEnd: i32 = offsetof<Header>('labelEnd') >> 2;
export const header_labelCore: i32 = offsetof<Header>('labelCore') >> 2;
export const header_labelWait: i32 = offsetof<Header>('labelWait') >> 2;
export const header_labelWaitOutput: i32 = offsetof<Header>('labelWaitOutput') >> 2;
export const header_notes: i32 = offsetof<Header>('notes') >> 2;
export const header_entered: i32 = offsetof<Header>('entered') >> 2;
export const header_taken: i32 = offsetof<Header>('taken') >> 2;
export const header_takenColor: i32 = offsetof<Header>('takenColor') >> 2;
export const header_moves: i32 = offsetof<Header>('moves') >> 2;
export const header_moveBits: i32 = offsetof<Header>('moveBits') >> 2;
export const header_moveWords: i32 = offsetof<Header>('moveWords') >> 2;
export const header_quietCount: i32 = offsetof<Header>('quietCount') >> 2;
export const header_quiets: i32 = offsetof<Header>('quiets') >> 2;
export const header_quietCores: i32 = offsetof<Header>('quietCores') >> 2;
export const header_nudges: i32 = offsetof<Header>('nudges') >> 2;
export const header_events: i32 = offsetof<Header>('events') >> 2;
export const header_eventsEnd: i32 = offsetof<Header>('eventsEnd') >> 2;
export const header_eventColors: i32 = offsetof<Header>('eventColors') >> 2;
