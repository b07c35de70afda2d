/** What a simulation may ask of the machine it runs on, for the `host` part of its document. */
export const host = {
  /** Seconds from any fixed instant. */
  now: (): number => performance.now() / 1000,
  /** Seconds since 1970. */
  date: (): number => Date.now() / 1000,
  /** Seconds of processor time of this process so far, of all its threads. */
  cpu: (): number => {
    const { user, system } = process.cpuUsage();
    return (user + system) / 1e6;
  },
  /** Bytes of memory in use at most. */
  rss: (): number => process.resourceUsage().maxRSS * 1024,
};
