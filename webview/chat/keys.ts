/** A key that an input method takes to put a character together: no command, whatever the key is. */
export function isTypingKey(event: KeyboardEvent): boolean {
  return event.isComposing || event.key === "Process";
}
