/** Exit codes of all commands. */
export const EXIT = {
  fine: 0,
  /** A regression, a difference or a failed check. */
  difference: 1,
  /** Usage, configuration, or a file that cannot be read. */
  usage: 2,
  /** A file or a run that cannot be held against the other. */
  incomparable: 3,
  /** The simulated machine failed (does not fit, deadlock, route violation), or a limit was reached. */
  machine: 4,
  /** The host failed: memory, a disk, a place that cannot be written. */
  host: 5,
  /** A fault of the simulator's own (EX_SOFTWARE of sysexits.h). */
  internal: 70,
  /** As shells count a process that was ended by SIGINT or SIGTERM. */
  interrupted: 130,
  terminated: 143,
} as const;
