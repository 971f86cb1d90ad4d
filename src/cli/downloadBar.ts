import { partOf, progressText } from "../models/progressText";
import type { DownloadProgress } from "../protocol/models";

const BAR_CHARS = 24;
/** Fast enough to look alive; a terminal over a network is slow. */
const EVERY_MS = 100;

/** One line of a terminal of `columns`: "[######······] 43 % 1.1 GB of 2.5 GB, 35 MB/s, 40 s left". */
export function barLine(progress: DownloadProgress, columns: number): string {
  const part = Math.min(1, partOf(progress));
  const full = Math.floor(part * BAR_CHARS);
  const bar = `[${"#".repeat(full)}${"·".repeat(BAR_CHARS - full)}]`;
  const percent = `${String(Math.floor(part * 100)).padStart(3)} %`;
  return `${bar} ${percent} ${progressText(progress)}`.slice(0, Math.max(20, columns - 1));
}

/** A progress bar on stderr, only where a person sees it. */
export class DownloadBar {
  readonly #visible = process.stderr.isTTY;
  #shownMs = 0;
  #phase = "";

  show(progress: DownloadProgress): void {
    const now = performance.now();
    if (!this.#visible || (now - this.#shownMs < EVERY_MS && progress.phase === this.#phase)) {
      return;
    }
    this.#shownMs = now;
    this.#phase = progress.phase;
    process.stderr.write(`\r${barLine(progress, process.stderr.columns)}\u001b[K`);
  }

  clear(): void {
    if (this.#visible && this.#phase !== "") {
      process.stderr.write("\r\u001b[K");
      this.#phase = "";
    }
  }
}
