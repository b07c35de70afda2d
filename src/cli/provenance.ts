/** Where a run comes from, for its page: the command, its date, and what its numbers rest on. */
import { bearingOn, explain, slurm } from '../index.js';
import type { ResolvedConfig } from '../index.js';
import type { Provenance } from '../report/html-provenance.js';
import { count } from '../report/numbers.js';

/** The command is as it could be given again; its date is no part of any result. */
export function provenanceFor(config: ResolvedConfig): Provenance {
  const { numbers, assumptions, notModelled } = explain(config);
  return {
    ...{ command: commandText(process.argv.slice(2)), date: dateText() },
    ...{ numbers, assumptions, notModelled },
    measurements: bearingOn(config.wafer.name, config.model.name).map((row) => {
      const { id, kind, source, fitted, measuredCycles, measuredTokensPerSecond } = row;
      const measured =
        measuredCycles === undefined
          ? `${count(measuredTokensPerSecond!)} tokens/s of one user`
          : `${count(measuredCycles)} cycles`;
      return { id, measured, kind, source, ...(fitted && { fitted }) };
    }),
  };
}

export function commandText(args: readonly string[]): string {
  return ['wafersim', ...args.map(slurm.quoted)].join(' ');
}

/** Now, to the minute, in UTC; or the instant that builds which have to be the same each time set. */
export function dateText(): string {
  const { SOURCE_DATE_EPOCH: seconds } = process.env;
  const instant = seconds && /^\d{1,11}$/.test(seconds) ? Number(seconds) * 1000 : Date.now();
  return `${new Date(instant).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
