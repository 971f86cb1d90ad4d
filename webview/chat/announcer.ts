/** Sentences that come one by one are said together: each announcement may cut off the one before. */
const GATHER_MS = 1000;
const KEPT = 20;

/** A live region that says sentences without ever being seen. */
export class Announcer {
  readonly #region: HTMLElement;
  #waiting: string[] = [];
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(region: HTMLElement) {
    this.#region = region;
  }

  dispose(): void {
    clearTimeout(this.#timer);
  }

  say(sentences: readonly string[]): void {
    this.#waiting.push(...sentences);
    this.#timer ??= setTimeout(() => {
      this.#flush();
    }, GATHER_MS);
  }

  #flush(): void {
    this.#timer = undefined;
    const line = document.createElement("p");
    line.textContent = this.#waiting.join(" ");
    this.#waiting = [];
    this.#region.append(line);
    while (this.#region.childElementCount > KEPT) {
      this.#region.firstElementChild?.remove();
    }
  }
}
