/** What a simulation rests on: its rules, every number of the hardware, and what it leaves out. */

import type { Identity } from '../../report/identity.js';

export interface Assumption {
  about: 'fabric' | 'core' | 'mapping' | 'serving' | 'cost';
  text: string;
  /** `assumed`: no source has published it. */
  grade: 'A' | 'B' | 'C' | 'D' | 'assumed';
  source: string;
}

export interface HardwareNumber {
  /** Path in the hardware file; `--set hardware.<path>=...` changes it. */
  path: string;
  /** In base units: cycles, bytes, Hz, W. */
  value: number | string;
  range?: [number, number];
  grade?: 'A' | 'B' | 'C' | 'D';
  assumed?: true;
  source: string;
}

export interface Omission {
  what: string;
  /** What it does to the results. */
  effect: string;
}

export interface ExplainDocument extends Identity {
  schema: 'wafersim.explain/1';
  /** The wafer's and the model's name. */
  wafer: string;
  model: string;
  assumptions: Assumption[];
  numbers: HardwareNumber[];
  notModelled: Omission[];
}
