/** Tokens on their way to the clients: when each is seen, and the gaps between them. */
import { downlinkNs, framingNs, type Transport } from './transport.js';

export interface Delivery {
  framing: number;
  downlink: number;
  /** Per request: when its last token was framed, and how many were. */
  framedNs: Float64Array;
  tokens: Int32Array;
  firstNs: Float64Array;
  /** Every gap between two tokens of a request as its client sees them (ITL), pooled. */
  gaps: Float64Array;
  gapCount: number;
}

export function createDelivery(requests: number, transport: Transport): Delivery {
  return {
    framing: framingNs(transport),
    downlink: downlinkNs(transport),
    framedNs: new Float64Array(requests).fill(-Infinity),
    tokens: new Int32Array(requests),
    firstNs: new Float64Array(requests).fill(NaN),
    gaps: new Float64Array(1024),
    gapCount: 0,
  };
}

/** A token of request `id` leaves the wafer at `time`; a connection frames one token at a time. */
export function deliver(delivery: Delivery, id: number, time: number): void {
  const before = delivery.framedNs[id];
  const framed = Math.max(time, before) + delivery.framing;
  delivery.framedNs[id] = framed;
  if (delivery.tokens[id]++ === 0) {
    delivery.firstNs[id] = framed + delivery.downlink;
    return;
  }
  if (delivery.gapCount === delivery.gaps.length) {
    const more = new Float64Array(2 * delivery.gapCount);
    more.set(delivery.gaps);
    delivery.gaps = more;
  }
  delivery.gaps[delivery.gapCount++] = framed - before;
}

/** When the client saw the last token so far. */
export function seenNs(delivery: Delivery, id: number): number {
  return delivery.framedNs[id] + delivery.downlink;
}
