import { type Mention, SLASH_COMMANDS } from "../../../src/protocol/chat";
import { t } from "../texts";

/** What the cursor stands behind: a `/` that begins the message, or an `@` anywhere. */
export interface Asked {
  readonly kind: "command" | "mention";
  /** Of the text that the choice replaces, with the `/` or `@`. */
  readonly from: number;
  readonly to: number;
  /** Without the `/` or `@`. */
  readonly query: string;
}

/** One line of the list that pops up. */
export interface Suggestion {
  /** With the `/` or `@`. */
  readonly name: string;
  readonly detail: string;
  readonly icon: string;
  /** To be attached where it is chosen. */
  readonly mention?: Mention;
}

export const ATTACHMENT_ICONS: Readonly<Record<Mention["kind"], string>> = {
  editor: "go-to-file",
  file: "file",
  selection: "list-selection",
  problems: "warning",
};

/** @param text of the input, with the cursor at `caret`. */
export function askedAt(text: string, caret: number): Asked | undefined {
  const before = text.slice(0, caret);
  const [, command] = /^\/([\w-]*)$/.exec(before) ?? [];
  if (command !== undefined) {
    return { kind: "command", from: 0, to: wordEnd(text, caret), query: command };
  }
  const [, mention] = /(?:^|[\s([{])@([^\s@]*)$/.exec(before) ?? [];
  if (mention !== undefined) {
    return { kind: "mention", from: caret - mention.length - 1, to: wordEnd(text, caret), query: mention };
  }
  return undefined;
}

function wordEnd(text: string, from: number): number {
  const rest = /^\S*/.exec(text.slice(from));
  return from + (rest?.[0].length ?? 0);
}

/** Commands that begin with what is written; none once one is written in full. */
export function commandSuggestions(query: string): readonly Suggestion[] {
  const wanted = `/${query.toLowerCase()}`;
  const found = SLASH_COMMANDS.filter(({ name }) => name.startsWith(wanted));
  return found[0]?.name === wanted
    ? []
    : found.map(({ name, detail }) => ({ name, detail: t(detail), icon: "terminal" }));
}

export function mentionSuggestions(mentions: readonly Mention[]): readonly Suggestion[] {
  return mentions.map((mention) => ({
    name: `@${mention.name}`,
    detail: mention.detail,
    icon: ATTACHMENT_ICONS[mention.kind],
    mention,
  }));
}

export interface Completed {
  readonly text: string;
  readonly caret: number;
}

/** The text with `name` and a space in place of what was asked with. */
export function completed(text: string, { from, to }: Asked, name: string): Completed {
  const rest = text.slice(to);
  const gap = /^\s/.test(rest) ? "" : " ";
  return { text: text.slice(0, from) + name + gap + rest, caret: from + name.length + 1 };
}
