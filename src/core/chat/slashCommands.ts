import { SLASH_COMMANDS } from "../../protocol/chat";

/** What the model is told in place of a command. Plain and short: it is read by small models. */
const INSTRUCTIONS: Readonly<Record<string, string>> = {
  "/explain":
    "Explain this code. Say first what it is for, then how it works step by step, then what is surprising about it.",
  "/fix":
    "Find what is wrong with this code and fix it. Say in one sentence what was wrong, then give the corrected code in full.",
  "/doc":
    "Write documentation comments for this code, in the style of its language. Give the code with its comments and change nothing else.",
  "/tests":
    "Write unit tests for this code. Cover the usual case, the edges and the errors. Use the test framework that the code suggests.",
  "/refactor":
    "Improve this code without changing what it does: clearer names, less repetition, simpler structure. Give the new code in full.",
};

export interface SplitMessage {
  /** With the slash; undefined where the text begins with none that is known. */
  readonly command: string | undefined;
  /** What stands behind the command. */
  readonly rest: string;
}

export function splitCommand(text: string): SplitMessage {
  const trimmed = text.trim();
  const word = /^\/\w+(?=\s|$)/.exec(trimmed)?.[0];
  const command = SLASH_COMMANDS.find(({ name }) => name === word)?.name;
  return { command, rest: command === undefined ? trimmed : trimmed.slice(command.length).trim() };
}

/** What a user wrote, with a command at its beginning spelled out. */
export function instructionOf(text: string): string {
  const { command, rest } = splitCommand(text);
  const instruction = command === undefined ? undefined : INSTRUCTIONS[command];
  return [instruction, rest].filter((part) => part !== undefined && part !== "").join("\n\n");
}
