import type { UnwantedReason } from "./skipReasons";

/** Whether Hearth suggests automatically, only on request, or never. */
export type CompletionMode = "automatic" | "manual" | "off";

/** Everything by which a user, the editor or a document may turn completion off. */
export interface Switches {
  readonly mode: CompletionMode;
  /** `editor.inlineSuggest.enabled` at this document: the editor asks providers even where it is false. */
  readonly inlineSuggest: boolean;
  readonly snoozed: boolean;
  /** Power is short, and the user wants suggestions only by hand then. */
  readonly savingPower: boolean;
  /** The user's switch for the document's language. */
  readonly language: boolean;
  /** The document matches the list of files that must never be read. */
  readonly excluded: boolean;
  /** A user can type into the document. */
  readonly editable: boolean;
  readonly cursors: number;
  /** Some text is selected, such as a snippet's placeholder: what is typed replaces it. */
  readonly selection: boolean;
  /** A key that is typed is inserted; in the normal mode of a modal editor it is a command. */
  readonly inserting: boolean;
}

/**
 * Why no completion is wanted, the most general reason first; undefined where one is. A manual trigger overrides snooze,
 * the mode `manual` and the saving of power, which only suppress automatic suggestions, and none of the others.
 */
export function unwantedReason(switches: Switches, trigger: "automatic" | "manual"): UnwantedReason | undefined {
  const isManual = trigger === "manual";
  if (switches.mode === "off") {
    return "off";
  }
  if (!switches.inlineSuggest) {
    return "inlineSuggestOff";
  }
  if (switches.excluded) {
    return "excluded";
  }
  if (!switches.editable) {
    return "notEditable";
  }
  if (!switches.language) {
    return "languageOff";
  }
  if (switches.snoozed && !isManual) {
    return "snoozed";
  }
  if (switches.mode === "manual" && !isManual) {
    return "manualOnly";
  }
  if (switches.savingPower && !isManual) {
    return "savingPower";
  }
  if (switches.cursors > 1) {
    return "severalCursors";
  }
  if (switches.selection) {
    return "textSelected";
  }
  return switches.inserting ? undefined : "notInserting";
}

/** The switch of a language: its own, else that of `*`, else on. */
export function isLanguageOn(languages: Readonly<Record<string, boolean>>, languageId: string): boolean {
  return languages[languageId] ?? languages["*"] ?? true;
}
