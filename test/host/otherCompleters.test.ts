import assert from "node:assert/strict";
import * as vscode from "vscode";

/** tools/vscode/otherCompleter, which goes by the name of another completer. */
const OTHER = "ggml-org.llama-vscode";
const KEY = "llama-vscode.enabled";

describe("another completer", () => {
  const isOn = (): unknown => vscode.workspace.getConfiguration().get(KEY);

  before(function () {
    if (vscode.extensions.getExtension(OTHER) === undefined) {
      // Only beside Hearth as it lies here.
      this.skip();
    }
  });

  after(() => vscode.workspace.getConfiguration().update(KEY, undefined, vscode.ConfigurationTarget.Workspace));

  it("is left alone while it does nothing here, and turned off in this workspace by one command", async () => {
    await vscode.commands.executeCommand("hearth.turnOffOtherCompleters");
    assert.equal(isOn(), true);
    await vscode.extensions.getExtension(OTHER)?.activate();
    await vscode.commands.executeCommand("hearth.turnOffOtherCompleters");
    assert.equal(isOn(), false);
    const { globalValue, workspaceValue } = vscode.workspace.getConfiguration().inspect(KEY) ?? {};
    assert.deepEqual([globalValue, workspaceValue], [undefined, false]);
  });
});
