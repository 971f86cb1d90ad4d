import type { Clock } from "./core/ports";

/** The machine's own time. */
export const SYSTEM_CLOCK: Clock = {
  nowMs: () => performance.now(),
  after(ms, callback) {
    const timer = setTimeout(callback, ms);
    return () => {
      clearTimeout(timer);
    };
  },
};
