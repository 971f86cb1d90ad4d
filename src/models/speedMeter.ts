/** Long enough to smooth over pieces, short enough to follow a change. */
const WINDOW_MS = 5000;
const FIRST_MS = 500;

/** Bytes a second over the last seconds. */
export class SpeedMeter {
  #samples: { ms: number; bytes: number }[] = [];

  add(bytes: number, nowMs: number): void {
    const last = this.#samples.at(-1);
    // Some hundred samples a window, however small the pieces.
    if (last !== undefined && nowMs - last.ms < WINDOW_MS / 100) {
      last.bytes += bytes;
    } else {
      this.#samples.push({ ms: nowMs, bytes });
    }
    this.#samples = this.#samples.filter(({ ms }) => nowMs - ms <= WINDOW_MS);
  }

  /** Undefined until there is enough to tell. */
  bytesPerSecond(nowMs: number): number | undefined {
    const recent = this.#samples.filter(({ ms }) => nowMs - ms <= WINDOW_MS);
    const [first] = recent;
    if (first === undefined || nowMs - first.ms < FIRST_MS) {
      return undefined;
    }
    // The first sample came before the time that is measured.
    const bytes = recent.slice(1).reduce((sum, sample) => sum + sample.bytes, 0);
    return (bytes * 1000) / (nowMs - first.ms);
  }
}
