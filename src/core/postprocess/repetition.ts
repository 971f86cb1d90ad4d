import { IDENTIFIER_CHAR, lineAbove, type Surroundings } from "../context";
import { type Draft, shortened } from "./draft";

/** A list that ends by itself may be long; one that the token limit cut has not ended, and is a loop much sooner. */
const LOOP_CHARS_MIN = { cutOff: 16, ended: 60 };
/** Three turns of a long unit, four of a short one. */
const LONG_UNIT_CHARS = 8;
const UNIT_CHARS_MAX = 40;

/** The same few characters until the end: small models fall into that and never leave it. */
export function breakLoop(draft: Draft): Draft {
  const { text, cutOff, isWhole = false } = draft;
  if (isWhole) {
    return draft;
  }
  const minimum = cutOff ? LOOP_CHARS_MIN.cutOff : LOOP_CHARS_MIN.ended;
  for (let period = 1; period <= UNIT_CHARS_MAX; ++period) {
    let start = text.length - period;
    while (start > 0 && text[start - 1] === text[start - 1 + period]) {
      start -= 1;
    }
    const unit = text.slice(text.length - period);
    const length = text.length - start;
    const turns = length / period;
    const isLoop = length >= minimum && turns >= (period >= LONG_UNIT_CHARS ? 3 : 4);
    if (start >= 0 && isLoop && unit.trim() !== "" && !unit.includes("\n")) {
      // The end of the word before may look like a part of the loop.
      const word = start === 0 ? "" : (/^[\p{L}\p{N}_$]*/u.exec(text.slice(start))?.[0] ?? "");
      const isInWord = IDENTIFIER_CHAR.test(text[start - 1] ?? "");
      const kept = text.slice(0, start + (isInWord ? word.length : 0)).replace(/[\s.,+\-*/%=<>&|?:!~^([{#@]+$/, "");
      // What is left ends with a whole word.
      return shortened({ ...draft, cutOff: false }, kept, "repeats");
    }
  }
  return draft;
}

/** Lines that may well follow each other twice. */
const MAY_COME_AGAIN = /^[\s)\]}>;,]*$/;
const PERIOD_MAX = 6;

/** A line three times, or a group of lines twice: from there on nothing new comes. */
export function dropRepeatedLines(draft: Draft): Draft {
  if (draft.isWhole === true) {
    return draft;
  }
  const lines = draft.text.split("\n");
  const same = (a: number, b: number): boolean => lines[a]?.trim() === lines[b]?.trim();
  for (let start = 0; start < lines.length; ++start) {
    for (let period = 1; period <= PERIOD_MAX; ++period) {
      const turns = period === 1 ? 3 : 2;
      const end = start + period * turns;
      const unit = lines.slice(start, start + period);
      if (end > lines.length || unit.every((line) => MAY_COME_AGAIN.test(line)) || unit[0]?.trim() === "") {
        continue;
      }
      let i = start + period;
      while (i < end && same(i, i - period)) {
        i += 1;
      }
      if (i === end && unit.length > 0 && hasSubstance(unit)) {
        return { ...draft, text: lines.slice(0, start + period).join("\n") };
      }
    }
  }
  return draft;
}

/** Two short lines in turn may be data: `[`, `0,`, `1,`; words make a repetition. */
function hasSubstance(unit: readonly string[]): boolean {
  return /\p{L}{2}/u.test(unit.join(""));
}

/** What brings names into a file, which one of it does for good. */
const IMPORT =
  /^(?:import\b|from\s+\S+\s+import\b|(?:pub\s+)?use\s+[\w:\\]|#\s*include\b|using\s+[\w.:=\s]+;|require(?:_relative|_once)?[\s(]|const\s.*=\s*require\()/;

/** A line that imports once more what a line above imports. */
export function dropKnownImport(draft: Draft, at: Surroundings): Draft {
  const [first = "", ...others] = draft.text.split("\n");
  const line = (at.before + first).trim();
  if (draft.isWhole === true || at.after.trim() !== "" || !IMPORT.test(line) || /^\s*import\s*\($/.test(line)) {
    return draft;
  }
  const isKnown = at.above.split("\n").some((each) => each.trim() === line);
  if (!isKnown) {
    return draft;
  }
  // On a line of its own it is left out, and what follows is as good as it was.
  const rest = at.before.trim() === "" ? others.join("\n") : "";
  return rest.trim() === "" ? shortened(draft, "", "repeats") : dropKnownImport({ ...draft, text: rest }, at);
}

const COPIED_LINE_CHARS_MIN = 8;
const COPIED_LINES_LOOKED_AT = 40;

/** On a line of its own: the line above once more, or several lines that stand a little further up. */
export function dropCopyOfAbove(draft: Draft, at: Surroundings): Draft {
  if (at.before.trim() !== "" || draft.isWhole === true) {
    return draft;
  }
  const lines = draft.text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => line !== "");
  const [first] = lines;
  if (first === undefined) {
    return draft;
  }
  const above = at.above.slice(-8000).split("\n").slice(-COPIED_LINES_LOOKED_AT);
  const isLineAbove = first.length >= COPIED_LINE_CHARS_MIN && lineAbove(at)?.trim() === first;
  const text = lines.join("\n");
  const isCopy =
    lines.length >= 3 &&
    text.length >= 40 &&
    above
      .map((line) => line.trim())
      .filter((line) => line !== "")
      .join("\n")
      .includes(text);
  return isLineAbove || isCopy ? shortened(draft, "", "repeats") : draft;
}
