/** Before each file of a worker: modules of the one before are forgotten, and with them what it mocked. */
import { vi } from 'vitest';

vi.resetModules();
