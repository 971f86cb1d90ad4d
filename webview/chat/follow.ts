/** Closer to the end than this is at the end. */
const NEAR_PX = 4;

/**
 * Keeps the end of a growing text in view while the reader is at the end. After scrolling up, the view stays where it is
 * until the reader returns to the end.
 */
export class Follow {
  readonly #scroller: HTMLElement;
  readonly #onChange: () => void;
  readonly #sizes: ResizeObserver;
  #following = true;
  #lastTop = 0;

  /** @param onChange after `following` has changed. */
  constructor(scroller: HTMLElement, content: HTMLElement, onChange: () => void) {
    this.#scroller = scroller;
    this.#onChange = onChange;
    this.#sizes = new ResizeObserver(() => {
      if (this.#following) {
        this.#scrollToEnd();
      }
    });
    this.#sizes.observe(scroller);
    this.#sizes.observe(content);
    scroller.addEventListener("scroll", this.#onScroll, { passive: true });
  }

  dispose(): void {
    this.#sizes.disconnect();
    this.#scroller.removeEventListener("scroll", this.#onScroll);
  }

  get following(): boolean {
    return this.#following;
  }

  /** Undefined at the end. */
  get top(): number | undefined {
    return this.#following ? undefined : this.#scroller.scrollTop;
  }

  toEnd(): void {
    this.#set(true);
    this.#scrollToEnd();
  }

  to(top: number): void {
    this.#set(false);
    this.#scroller.scrollTop = top;
    this.#lastTop = this.#scroller.scrollTop;
  }

  #scrollToEnd(): void {
    this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#lastTop = this.#scroller.scrollTop;
  }

  #onScroll = (): void => {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    if (scrollHeight - clientHeight - scrollTop <= NEAR_PX) {
      this.#set(true);
    } else if (scrollTop < this.#lastTop) {
      this.#set(false);
    }
    this.#lastTop = scrollTop;
  };

  #set(following: boolean): void {
    if (following !== this.#following) {
      this.#following = following;
      this.#onChange();
    }
  }
}
