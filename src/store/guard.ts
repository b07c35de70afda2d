/** How a command keeps a signal from cutting in two what is being written. */
export interface Guard {
  /** Writes files, all of them or none. */
  writing: <T>(write: () => T) => T;
  /** Makes files and removes them again. */
  trying: <T>(attempt: () => T) => T;
  /** @throws if the process is about to end, so that what is being written is taken back */
  unlessRefused: () => void;
}

/** For programs that nothing ends. */
export const UNGUARDED: Guard = {
  writing: (write) => write(),
  trying: (attempt) => attempt(),
  unlessRefused: () => {},
};
