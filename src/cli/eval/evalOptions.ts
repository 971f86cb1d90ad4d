import { EAGERNESS, type Eagerness } from "../../core/gate";
import type { PromptTraits } from "../../core/ports";
import { PLAIN_LAYOUTS } from "../../protocol/prompt";
import { type Arguments, flagOption, type OptionTable, textOption, usageError, wholeOption } from "../options";

export const evalOptions = {
  cursors: { type: "string" },
  definitions: { type: "string" },
  workspace: { type: "string" },
  eagerness: { type: "string" },
  "no-memory": { type: "boolean" },
  "no-workspace": { type: "boolean" },
  "no-healing": { type: "boolean" },
  "no-gate": { type: "boolean" },
  layout: { type: "string" },
  details: { type: "string" },
} as const satisfies OptionTable;

/** `peer`: the whole document around the cursor, prefix first, as llama.vscode asks a server that continues it. */
const LAYOUTS = [...PLAIN_LAYOUTS, "suffix-first", "prefix-first", "peer"] as const;

export type Layout = (typeof LAYOUTS)[number];

/** What of the product is measured. */
export interface Switches {
  readonly seed: number;
  readonly healing: boolean;
  readonly memory: boolean;
  /** The memory holds more than the open document. */
  readonly workspace: boolean;
  /** False: whatever an answer says is shown, however unlikely. */
  readonly gate: boolean;
  readonly eagerness: Eagerness;
  /** Undefined: the model's own. */
  readonly layout: Layout | undefined;
}

export function switchesOf(args: Arguments): Switches {
  return {
    seed: wholeOption(args, "seed", 0, Number.MAX_SAFE_INTEGER) ?? 1,
    healing: !flagOption(args, "no-healing"),
    memory: !flagOption(args, "no-memory"),
    workspace: !flagOption(args, "no-workspace"),
    gate: !flagOption(args, "no-gate"),
    eagerness: choiceOf(args, "eagerness", EAGERNESS) ?? "balanced",
    layout: choiceOf(args, "layout", LAYOUTS),
  };
}

function choiceOf<T extends string>(args: Arguments, name: string, choices: readonly T[]): T | undefined {
  const given = textOption(args, name);
  const found = choices.find((each) => each === given);
  if (given !== undefined && found === undefined) {
    throw usageError(`--${name} must be one of ${choices.join(", ")}, not '${given}'`);
  }
  return found;
}

/** What prompts look like where the command line says it. */
export function traitsFor(model: PromptTraits, layout: Layout): PromptTraits {
  if (layout === "chat-fill" && model.chat === undefined) {
    throw usageError("--layout chat-fill is for models with a chat template of their own");
  }
  switch (layout) {
    case "continuation":
    case "suffix-comment":
    case "chat-fill":
      return { ...model, fimLayouts: [], plain: layout };
    case "suffix-first":
    case "prefix-first":
      return { ...model, fimLayouts: [layout] };
    case "peer":
      return { ...model, fimLayouts: ["prefix-first"], fileHeader: false };
  }
}
