/** Drawing takes at most this part of the time, so that keys and scrolling get the rest. */
const SHARE = 1 / 3;
const LONGEST_PAUSE_MS = 300;

/** Draws when asked to: at most once a frame, and less often where drawing takes long. */
export class Frames {
  readonly #draw: () => Promise<unknown>;
  #asked = false;
  #drawing = false;
  readonly #waiting: (() => void)[] = [];
  #notBefore = 0;

  /** @param draw resolves once the page is up to date. */
  constructor(draw: () => Promise<unknown>) {
    this.#draw = draw;
  }

  ask(): void {
    if (!this.#asked) {
      this.#asked = true;
      if (!this.#drawing) {
        this.#wait();
      }
    }
  }

  /** Resolves once all that was asked for is in the page. */
  async settled(): Promise<void> {
    if (this.#asked || this.#drawing) {
      await new Promise<void>((resolve) => this.#waiting.push(resolve));
    }
  }

  #wait(): void {
    const pause = this.#notBefore - performance.now();
    if (pause > 0) {
      setTimeout(() => {
        this.#wait();
      }, pause);
    } else {
      requestAnimationFrame(() => {
        void this.#run();
      });
    }
  }

  async #run(): Promise<void> {
    this.#asked = false;
    this.#drawing = true;
    const started = performance.now();
    try {
      await this.#draw();
    } finally {
      const ended = performance.now();
      this.#notBefore = ended + Math.min(LONGEST_PAUSE_MS, (ended - started) * (1 / SHARE - 1));
      this.#drawing = false;
      // eslint-disable-next-line @typescript-eslint/no-unnecessary-condition -- asked again while it was drawn
      if (this.#asked) {
        this.#wait();
      } else {
        this.#waiting.splice(0).forEach((resolve) => {
          resolve();
        });
      }
    }
  }
}
