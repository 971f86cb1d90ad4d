import { turnOf } from "./turns";

/** Milliseconds that one request may keep its thread from all others. */
const SLICE_MS = 5;

/** Work that stops where others may have their turn: at each `yield`, some microseconds apart. */
export type Steps<T> = Generator<undefined, T, undefined>;

/** All of it, now. */
export function drain<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) {
      return step.value;
    }
  }
}

/** One slice, now. Undefined: there is more to do. */
export function firstSlice<T>(steps: Steps<T>): { readonly value: T } | undefined {
  const untilMs = performance.now() + SLICE_MS;
  do {
    const step = steps.next();
    if (step.done === true) {
      return { value: step.value };
    }
  } while (performance.now() < untilMs);
  return undefined;
}

/**
 * In slices, with a turn of the event loop for others between two. Undefined: it was cancelled, and has not ended.
 * @param owner whose work it is; all work of one owner has one share of the time (see turns.ts).
 */
export async function inSlices<T>(
  steps: Steps<T>,
  isCancelled: () => boolean = () => false,
  owner: object = steps,
): Promise<T | undefined> {
  let untilMs = performance.now() + SLICE_MS;
  for (;;) {
    const step = steps.next();
    if (step.done === true) {
      return step.value;
    }
    if (performance.now() >= untilMs) {
      await turnOf(owner);
      if (isCancelled()) {
        return undefined;
      }
      untilMs = performance.now() + SLICE_MS;
    }
  }
}
