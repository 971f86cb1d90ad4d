/**
 * Says an English message in the user's language, with its arguments in place of `{0}`, `{1}` and so on; VS Code's
 * `l10n.t` is one. What is not translated stays English.
 */
export type Translate = (message: string, ...args: readonly (string | number)[]) => string;

/** For the command line and for tests. */
export const inEnglish: Translate = (message, ...args) =>
  message.replace(/\{(\d+)\}/g, (placeholder, index: string) => String(args[Number(index)] ?? placeholder));
