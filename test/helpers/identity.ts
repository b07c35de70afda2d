/** For documents that tests make up. */
import type { Identity } from '../../src/report/identity.js';

export const IDENTITY: Identity = { version: '1.2.3', key: '0'.repeat(64), files: [] };
