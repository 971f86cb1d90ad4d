import assert from "node:assert/strict";
import { DECLARED_SETTINGS, MANIFEST } from "../../test/fixtures/manifest";
import { EARLIER_KEYS, excludePatterns, settingOf, type SettingsSource } from "./settingKeys";

/** Settings of a user and of a workspace, above the defaults. */
function source(user: Record<string, unknown>, workspace: Record<string, unknown> = {}): SettingsSource {
  const defaults = Object.entries(DECLARED_SETTINGS).map(([key, value]) => [
    key.replace("hearth.", ""),
    value["default"],
  ]);
  const values = Object.assign({}, Object.fromEntries(defaults), user, workspace) as Record<string, unknown>;
  return {
    get: (key) => values[key],
    inspect: (key) => ({ globalValue: user[key], workspaceValue: workspace[key] }),
  };
}

describe("A setting that has another key now", () => {
  it("has its default where neither is set", () => {
    assert.equal(settingOf(source({}), "engine.idleMinutes"), 10);
  });

  for (const [key, earlier] of Object.entries(EARLIER_KEYS)) {
    it(`is read as ${key}, and as ${earlier} where only that is set`, () => {
      assert.equal(settingOf(source({ [earlier]: "old" }), key), "old");
      assert.equal(settingOf(source({}, { [earlier]: "old" }), key), "old");
      assert.equal(settingOf(source({ [key]: "new", [earlier]: "old" }), key), "new");
      assert.equal(settingOf(source({ [key]: "new" }, { [earlier]: "old" }), key), "new");
    });

    it(`tells under ${earlier} what it is called now, and is otherwise declared alike`, () => {
      const { ["markdownDeprecationMessage"]: deprecation, ...before } = DECLARED_SETTINGS[`hearth.${earlier}`] ?? {};
      const { ...now } = DECLARED_SETTINGS[`hearth.${key}`] ?? {};
      assert.match(String(deprecation), new RegExp(`\`#hearth\\.${key.replaceAll(".", "\\.")}#\``));
      for (const name of ["type", "scope", "minimum", "maximum"]) {
        assert.deepEqual(before[name], now[name], name);
      }
      const { restrictedConfigurations: restricted } = MANIFEST.capabilities.untrustedWorkspaces;
      assert.equal(restricted.includes(`hearth.${earlier}`), restricted.includes(`hearth.${key}`));
    });
  }

  it("is read as it is where it has always had its key", () => {
    assert.equal(settingOf(source({ "engine.threads": 3 }), "engine.threads"), 3);
  });
});

describe("Patterns of excluded files", () => {
  it("are the default where none is set", () => {
    assert.deepEqual(excludePatterns(source({})), ["**/secrets.*"]);
  });

  it("of a workspace come to those of the user, and take none of them away", () => {
    assert.deepEqual(excludePatterns(source({ exclude: ["mine/**", "both"] }, { exclude: ["both", "theirs"] })), [
      "both",
      "theirs",
      "mine/**",
    ]);
    assert.deepEqual(excludePatterns(source({ "completion.exclude": ["mine/**"] }, { exclude: [] })), ["mine/**"]);
  });

  it("may be emptied by the user, and hold nothing that is no pattern", () => {
    assert.deepEqual(excludePatterns(source({ exclude: [] })), []);
    assert.deepEqual(excludePatterns(source({ exclude: [], "completion.exclude": ["old"] })), []);
    assert.deepEqual(excludePatterns(source({ exclude: ["a", 3] }, { exclude: "b" })), ["a"]);
  });
});

describe("Settings", () => {
  it("decide nothing about the engine where a workspace is not trusted", () => {
    const { restrictedConfigurations: restricted } = MANIFEST.capabilities.untrustedWorkspaces;
    const ofEngine = Object.keys(DECLARED_SETTINGS).filter((key) => /^hearth\.(engine|model|models)\./.test(key));
    assert.deepEqual(
      ofEngine.filter((key) => !restricted.includes(key)),
      [],
    );
  });

  it("that are deprecated all have another key now", () => {
    const deprecated = Object.entries(DECLARED_SETTINGS)
      .filter(([, declared]) => declared["markdownDeprecationMessage"] !== undefined)
      .map(([key]) => key.replace("hearth.", ""));
    assert.deepEqual(deprecated.sort(), Object.values(EARLIER_KEYS).sort());
  });
});
