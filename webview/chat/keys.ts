/** What `keyCode` is for keys of input methods (UI Events, "Virtual key codes"). */
const COMPOSING_KEY_CODE = 229;

/** A key that an input method takes to put a character together: no command, whatever the key is. */
export function isTypingKey(event: KeyboardEvent): boolean {
  // Safari ends a composition before the key that ended it comes: of that only the old code tells.
  // eslint-disable-next-line @typescript-eslint/no-deprecated
  return event.isComposing || event.key === "Process" || event.keyCode === COMPOSING_KEY_CODE;
}
