import assert from "node:assert/strict";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { packagesIn, thirdPartyNotices } from "../../tools/vscode/notices.mjs";

const BUNDLES = ["extension", "engine", "cli", "chat", "chatTemplateWorker"].map((name) => join("dist", `${name}.js`));

interface Locked {
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly dev?: boolean } | undefined>>;
}

describe("third-party code", () => {
  const { packages } = JSON.parse(readFileSync("package-lock.json", "utf8")) as Locked;
  const homes = [...new Set(BUNDLES.flatMap(packagesIn))];

  before(async () => {
    const { loadGrammarList } = await import("../../tools/syntaxData.mjs");
    await loadGrammarList();
  });

  it("comes from packages that `npm start`, which leaves out those for checks, installs too", () => {
    assert.ok(homes.length > 5);
    for (const home of homes) {
      assert.ok(existsSync(join(home, "package.json")), home);
      assert.ok(packages[home] !== undefined && packages[home].dev !== true, `${home} is not installed by npm start`);
    }
  });

  it("is told with the version that is bundled, not with another of the same name", () => {
    const notices = thirdPartyNotices(BUNDLES);
    for (const home of homes) {
      const name = home.slice(home.lastIndexOf("node_modules/") + "node_modules/".length);
      assert.ok(notices.includes(`\n${name} ${packages[home]?.version ?? "?"} (`), home);
    }
  });
});
