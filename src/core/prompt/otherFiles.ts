import type { FrozenText, OtherFile, Place, PromptSource, Room } from "./source";
import { NO_PROJECT, special, text } from "./source";

/**
 * Other files of the project, the nearest one last, each with its path: how models that were trained on repositories know what a
 * document may use. Every token of it is read before the first letter of the document, so there is little of it, and it is frozen:
 * it changes while nobody types, or where a file may not be shown any more.
 */
export const otherFiles: PromptSource = {
  slot: "context",
  // Some nine seconds of reading at 60 tokens a second, once for a document.
  budget: { chars: 2048, tokens: 512 },
  share: "rest",
  open: (room, saved) => new FrozenFiles(room, saved),
  parts: (shown, { fim }) => {
    const [name = "", ...blocks] = shown.split(SEPARATOR);
    return shown === ""
      ? []
      : [
          ...(fim.repository === undefined ? [] : [special(fim.repository), ...text(`${name}\n`)]),
          ...blocks.flatMap((block) => [special(fim.file), ...text(block)]),
        ];
  },
};

/** Between the project's name and the blocks; no source text has it. */
const SEPARATOR = "\0";
const FILES_MAX = 3;
/** The first lines of a file say less than its name. */
const BLOCK_CHARS_MIN = 120;

interface Block {
  readonly path: string;
  /** The path, and whole lines from the file's beginning. */
  readonly text: string;
  /** So many characters of the file it may have. */
  readonly room: number;
}

class FrozenFiles implements FrozenText {
  readonly #room: Room;
  #shown: readonly Block[] | undefined;
  /** Of an earlier window: shown again where the files still say the same. */
  #saved: readonly Block[] | undefined;

  constructor(room: Room, saved: unknown) {
    this.#room = room;
    this.#saved = Array.isArray(saved) && saved.every((each) => isBlock(each, room)) ? saved : undefined;
  }

  saved(): readonly Block[] | undefined {
    return this.#shown;
  }

  at({ project }: Place): string {
    const { name, files } = project?.() ?? NO_PROJECT;
    const offered = new Map(files.map((file) => [file.path, file]));
    if (this.#saved !== undefined) {
      this.#shown = this.#saved.every((block) => isUpToDate(block, offered)) ? this.#saved : undefined;
      this.#saved = undefined;
    }
    if (!(this.#shown?.every(({ path }) => offered.has(path)) ?? false)) {
      this.#shown = this.#choose(files);
    }
    const blocks = this.#shown ?? [];
    return blocks.length === 0 ? "" : [name, ...blocks.map(({ text: shown }) => shown)].join(SEPARATOR);
  }

  refresh({ project }: Place): void {
    const { files } = project?.() ?? NO_PROJECT;
    const offered = new Map(files.map((file) => [file.path, file]));
    const shown = this.#shown ?? [];
    if (shown.length === 0 || !shown.every((block) => isUpToDate(block, offered))) {
      this.#shown = this.#choose(files);
    }
  }

  #choose(files: readonly OtherFile[]): readonly Block[] {
    const sample = files.length === 0 ? "" : (files[0]?.read() ?? "");
    let left = sample === "" ? this.#room.chars : this.#room.charsOf(sample.slice(0, this.#room.chars));
    const blocks: Block[] = [];
    for (const file of files) {
      if (blocks.length === FILES_MAX || left < BLOCK_CHARS_MIN) {
        break;
      }
      // The nearest gets half of what there is, and the others of what is left.
      const block = blockOf(file, blocks.length === FILES_MAX - 1 ? left : Math.ceil(left / 2));
      if (block !== undefined) {
        blocks.push(block);
        left -= block.text.length;
      }
    }
    return blocks.reverse();
  }
}

function isBlock(saved: unknown, { chars }: Room): saved is Block {
  const { path, text: shown, room } = (saved ?? {}) as Partial<Record<keyof Block, unknown>>;
  return (
    typeof path === "string" && typeof shown === "string" && Number.isSafeInteger(room) && (room as number) <= chars
  );
}

function isUpToDate({ path, room, text: shown }: Block, offered: ReadonlyMap<string, OtherFile>): boolean {
  const file = offered.get(path);
  return file !== undefined && blockOf(file, room)?.text === shown;
}

/** Undefined for a file without a whole line that fits. */
function blockOf({ path, read }: OtherFile, room: number): Block | undefined {
  const whole = read();
  const shown = `${path}\n${whole}`;
  const cut = shown.length <= room ? shown : shown.slice(0, shown.lastIndexOf("\n", room - 1) + 1);
  const hasLines = whole.trim() !== "" && cut.length > path.length + 1 && !cut.includes(SEPARATOR);
  return hasLines ? { path, text: cut.endsWith("\n") ? cut : `${cut}\n`, room } : undefined;
}
