import * as vscode from "vscode";

const KEY = "hearth.edit.instructions";
const KEPT_MAX = 30;
const FORGET: vscode.QuickInputButton = { iconPath: new vscode.ThemeIcon("trash"), tooltip: vscode.l10n.t("Forget") };

/** Offered while there is no history. */
const EXAMPLES = [
  vscode.l10n.t("Make this simpler without changing what it does"),
  vscode.l10n.t("Split this into smaller functions"),
  vscode.l10n.t("Give the variables clearer names"),
  vscode.l10n.t("Handle errors"),
];

interface InstructionItem extends vscode.QuickPickItem {
  readonly instruction: string;
  /** It stands for what is in the field, which may have got longer since this was offered. */
  readonly isTyped: boolean;
}

/** Asks for the user's instruction; earlier ones are offered again. */
export class Instructions {
  readonly #memory: vscode.Memento;

  constructor(memory: vscode.Memento) {
    this.#memory = memory;
  }

  /** The latest first. */
  get history(): readonly string[] {
    const kept: unknown = this.#memory.get(KEY);
    return Array.isArray(kept) ? kept.filter((each) => typeof each === "string") : [];
  }

  async remember(instruction: string): Promise<void> {
    await this.#keep([instruction, ...this.history.filter((each) => each !== instruction)]);
  }

  /** Undefined if the user cancels, or once `closing` resolves. */
  pick(closing: Promise<void>): Promise<string | undefined> {
    const pick = vscode.window.createQuickPick<InstructionItem>();
    pick.title = vscode.l10n.t("Hearth: Refactor");
    pick.placeholder = vscode.l10n.t("What should be done with this code?");
    const offer = (): void => {
      pick.items = this.#items(pick.value.trim());
    };
    offer();
    pick.onDidChangeValue(offer);
    pick.onDidTriggerItemButton(async ({ item }) => {
      await this.#keep(this.history.filter((each) => each !== item.instruction));
      offer();
    });
    return new Promise((resolve) => {
      pick.onDidAccept(() => {
        const [active] = pick.activeItems;
        resolve(active === undefined || active.isTyped ? pick.value : active.instruction);
        pick.hide();
      });
      pick.onDidHide(() => {
        resolve(undefined);
        pick.dispose();
      });
      pick.show();
      void closing.then(() => {
        pick.hide();
      });
    });
  }

  #items(typed: string): InstructionItem[] {
    const { history } = this;
    const examples = EXAMPLES.filter((each) => !history.includes(each));
    const others = [...history.map((each) => item(each, [FORGET])), ...examples.map((each) => item(each))];
    // What is typed comes first, so that Enter means it.
    return typed === "" || others.some(({ label }) => label === typed)
      ? others
      : [{ ...item(typed), isTyped: true, alwaysShow: true }, ...others];
  }

  #keep(instructions: readonly string[]): Thenable<void> {
    return this.#memory.update(KEY, instructions.slice(0, KEPT_MAX));
  }
}

function item(instruction: string, buttons: readonly vscode.QuickInputButton[] = []): InstructionItem {
  return { label: instruction, instruction, isTyped: false, buttons };
}
