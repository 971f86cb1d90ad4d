/** What a reasoning model says before its answer, and the answer. */
export interface Parts {
  /** undefined: it has not thought aloud. */
  readonly thought: string | undefined;
  readonly answer: string;
  /** The thought goes on. */
  readonly thinking: boolean;
}

const BEGIN = "<think>";
const END = "</think>";

/**
 * Models that think aloud do so at the beginning, between these marks (Qwen3, Mellum2 Thinking). Some templates have put the first one
 * into the prompt: the answer then begins within the thought. Marks further on are text like any other.
 */
export function partsOf(text: string): Parts {
  const begun = text.trimStart().startsWith(BEGIN);
  const from = begun ? text.indexOf(BEGIN) + BEGIN.length : 0;
  const end = text.indexOf(END, from);
  if (!begun && (end === -1 || text.includes(BEGIN))) {
    return { thought: undefined, answer: text, thinking: false };
  }
  const thought = text.slice(from, end === -1 ? undefined : end).trim();
  const answer = end === -1 ? "" : text.slice(end + END.length).trimStart();
  // With thinking switched off there is an empty pair of marks.
  return { thought: thought === "" && end !== -1 ? undefined : thought, answer, thinking: end === -1 };
}
