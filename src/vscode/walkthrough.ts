import * as vscode from "vscode";

const SHOWN_KEY = "hearth.walkthroughShown";
/** The editor restores or opens what it was told to open. */
const OPENED_LIMIT_MS = 15_000;
const LAID_OUT_LIMIT_MS = 3000;

/**
 * Opens the walkthrough once beside what is open, for `npm start`; the editor itself opens it once where Hearth is installed by hand.
 * The focus stays in the file, which is there to be typed in.
 */
export async function showWalkthroughBeside({ extension, globalState }: vscode.ExtensionContext): Promise<void> {
  if (globalState.get<boolean>(SHOWN_KEY) === true) {
    return;
  }
  await globalState.update(SHOWN_KEY, true);
  await anyEditor();
  await vscode.commands.executeCommand("workbench.action.openWalkthrough", `${extension.id}#start`, true);
  await focusFile();
  keepFocus();
}

async function focusFile(): Promise<void> {
  await vscode.commands.executeCommand("workbench.action.focusFirstEditorGroup");
}

/** The page takes the focus again once it is laid out, which may be after it was opened; no event tells when. */
function keepFocus(): void {
  const listener = vscode.window.onDidChangeActiveTextEditor((editor) => {
    if (editor === undefined) {
      void focusFile();
    }
  });
  setTimeout(() => {
    listener.dispose();
  }, LAID_OUT_LIMIT_MS);
}

async function anyEditor(): Promise<void> {
  if (vscode.window.activeTextEditor !== undefined) {
    return;
  }
  await new Promise<void>((resolve) => {
    const end = (): void => {
      listener.dispose();
      clearTimeout(timer);
      resolve();
    };
    const listener = vscode.window.onDidChangeActiveTextEditor((editor) => {
      if (editor !== undefined) {
        end();
      }
    });
    const timer = setTimeout(end, OPENED_LIMIT_MS);
  });
}
