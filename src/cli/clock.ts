import type { Clock } from "../core/ports";

/** The time of this machine. */
export const CLOCK: Clock = {
  nowMs: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => {
      clearTimeout(timer);
    };
  },
};
