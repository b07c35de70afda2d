/**
 * The process in which a worker of the queue has a point simulated: BullMQ starts it and calls what is exported.
 * The simulation has a thread of its own, so that this one sees at once when the worker has gone, and goes too.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { SandboxedJob } from 'bullmq';
import type { Outcome } from '../point.js';
import { unpack, type Parcel } from './parcel.js';
import type { Declined } from './worker.js';

process.once('disconnect', () => process.exit());
