/**
 * The draft. While the user types, the view's text is the newer one; the host keeps a copy, and its states return that
 * copy later than the text typed since.
 */
export interface Draft {
  readonly text: string;
  /** Sent to the host, but not yet in its states; in order. */
  readonly told: readonly string[];
  /** As the last state had it. */
  readonly hostText: string;
}

export const NO_DRAFT: Draft = { text: "", told: [], hostText: "" };

export function typed(draft: Draft, text: string): Draft {
  return { ...draft, text };
}

/** The host has the current draft. */
export function told(draft: Draft): Draft {
  return { ...draft, told: [...draft.told, draft.text] };
}

/** The message has been sent, upon which the host empties its copy, too. */
export function sent(draft: Draft): Draft {
  return told({ ...draft, text: "" });
}

/** The host replaces the draft, whatever was written here. */
export function replaced(text: string): Draft {
  return { text, told: [], hostText: text };
}

/** A state of the host says `hostText`. */
export function seen(draft: Draft, hostText: string): Draft {
  if (hostText === draft.hostText) {
    return draft;
  }
  const echo = draft.told.indexOf(hostText);
  return echo < 0 ? replaced(hostText) : { ...draft, hostText, told: draft.told.slice(echo + 1) };
}
