import {
  type Definition,
  type FrozenText,
  NO_PROJECT,
  type Place,
  type PromptSource,
  type Room,
  special,
  text,
} from "./source";

/**
 * Definitions, in other files, of identifiers near the cursor, each as an earlier file block. Frozen: whatever is read before the document's
 * own text must stay, so what is shown changes only while nobody types and when less than half of what is wanted is there; and at
 * once where a file may not be read any more.
 */
export const definitions: PromptSource = {
  slot: "context",
  budget: { chars: 1024, tokens: 256 },
  share: "rest",
  open: (room) => new FrozenDefinitions(room),
  parts: (shown, { fim }) =>
    shown === "" ? [] : shown.split(SEPARATOR).flatMap((block) => [special(fim.file), ...text(block)]),
};

/** Between two blocks; no source text has it. */
const SEPARATOR = "\0";

class FrozenDefinitions implements FrozenText {
  readonly #room: Room;
  #shown: readonly Definition[] = [];

  constructor(room: Room) {
    this.#room = room;
  }

  at({ project }: Place): string {
    const { readable } = (project?.() ?? NO_PROJECT).definitions ?? NONE;
    this.#shown = this.#shown.filter(({ path }) => readable(path));
    return this.#shown.map(blockOf).join(SEPARATOR);
  }

  refresh({ project }: Place): void {
    const { found } = (project?.() ?? NO_PROJECT).definitions ?? NONE;
    const wanted = found.filter((each) => !blockOf(each).includes(SEPARATOR));
    const there = wanted.filter((each) => this.#shown.some((shown) => blockOf(shown) === blockOf(each)));
    if (2 * there.length < wanted.length || (wanted.length > 0 && this.#shown.length === 0)) {
      this.#shown = this.#fitting(wanted);
    }
  }

  /** The nearest to the cursor last; whole definitions, as many as fit. */
  #fitting(wanted: readonly Definition[]): readonly Definition[] {
    let left = this.#room.charsOf(wanted.map(blockOf).join("").slice(0, this.#room.chars));
    return wanted
      .filter((each) => {
        const fits = blockOf(each).length <= left;
        left -= fits ? blockOf(each).length : 0;
        return fits;
      })
      .reverse();
  }
}

const NONE = { found: [], readable: (): boolean => false };

function blockOf({ path, text: code }: Definition): string {
  return `${path}\n${code.endsWith("\n") ? code : `${code}\n`}`;
}
