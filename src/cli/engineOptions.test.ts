import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { paramsOf, SCHEMAS } from "../engine/wire/requestSchemas";
import { ENGINE_OPTION_NAMES, engineOption, type EngineOptionName } from "../protocol/engineOptions";
import { engineOptions, engineOptionsHelp, parseCommandLine } from "./options";

const NATIVE_TWIN = join(import.meta.dirname, "..", "..", "native", "addon", "convert.cc");

/** A value that is allowed, as the command line writes it, and one that is not. */
function valuesOf(name: EngineOptionName): { good: unknown; written: string; wrong: unknown } {
  const option = engineOption(name);
  switch (option.kind) {
    case "boolean":
      return { good: false, written: "", wrong: 0 };
    case "name":
      return { good: option.names.at(-1), written: option.names.at(-1) ?? "", wrong: "no such name" };
    case "bytes":
      return { good: 3 * 2 ** 20, written: "3MiB", wrong: option.max + 1 };
    case "whole":
    case "number":
      return { good: option.max, written: String(option.max), wrong: option.max + 1 };
  }
}

const sent = (load: unknown): unknown => paramsOf(SCHEMAS.model, { path: "/a.gguf", load }).load;

describe("options of the engine", () => {
  for (const name of ENGINE_OPTION_NAMES) {
    const { flag, isRare } = engineOption(name);
    const { good, written, wrong } = valuesOf(name);

    it(`take ${name} from a window, and from the command line where it has a flag`, () => {
      assert.deepEqual(sent({ [name]: good }), { [name]: good });
      assert.throws(() => sent({ [name]: wrong }), { code: "bad_request", message: new RegExp(`load\\.${name}`) });
      if (flag === undefined) {
        return;
      }
      const own = { [flag]: { type: "string" } } as const;
      const given = (value: string) => engineOptions(parseCommandLine([`--${flag}=${value}`], own));
      assert.deepEqual(given(written), { [name]: good });
      assert.throws(() => given(`${String(wrong)}B?`), { name: "UsageError" });
      assert.equal(engineOptionsHelp().includes(`--${flag} `), isRare !== true);
    });
  }

  it("are all known to the addon", () => {
    const source = readFileSync(NATIVE_TWIN, "utf8");
    for (const name of ENGINE_OPTION_NAMES) {
      assert.match(source, new RegExp(`ReadOption\\(js, "${name}",`), name);
    }
  });

  it("keep their earlier names", () => {
    assert.deepEqual(sent({ eviction: "expected-wait" }), { eviction: "reuse-distance" });
    const args = parseCommandLine(["--eviction", "expected-wait"], {});
    assert.deepEqual(engineOptions(args), { eviction: "reuse-distance" });
  });

  it("make both of --prefetch", () => {
    const given = (mode: string) => engineOptions(parseCommandLine(["--prefetch", mode], {}));
    assert.deepEqual(given("exact"), { readAhead: true, hints: false });
    assert.throws(() => given("toString"), { name: "UsageError" });
  });
});
