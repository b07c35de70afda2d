/** What a simulation may ask of the machine it runs on, for the `host` part of its document. */
export const host = {
  /** Seconds from any fixed instant. */
  now: (): number => performance.now() / 1000,
  /** Bytes of memory in use at most. */
  rss: (): number => process.resourceUsage().maxRSS * 1024,
};
