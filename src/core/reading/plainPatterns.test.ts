import assert from "node:assert/strict";
import { IgnoreFiles } from "./ignoreFiles";
import { plainPattern } from "./plainPatterns";
import { processorMs } from "../../../test/fixtures/processorTime";

describe("patterns of ignore files", () => {
  it("are as they are written, but for those with more stars than anybody needs", () => {
    const cases: readonly [pattern: string, plain: string][] = [
      ["*.py[cod]", "*.py[cod]"],
      ["**/build/*.tmp.*", "**/build/*.tmp.*"],
      ["*_*_*.csv", "*_*_*.csv"],
      ["*_*_*_*.csv", "*.csv"],
      ["logs/*a*a*a*a*b", "logs/*b"],
      ["\\*a\\*a\\*a\\*a\\*", "\\*a\\*a\\*a\\*a\\*"],
      ["\\\\*a\\\\*a\\\\*a\\\\*a", "\\\\*a"],
      ["[*]a[*]a[*]a[*]a[*]", "[*]a[*]a[*]a[*]a[*]"],
      ["/a/**/b/**/c/**/d/**/e", "/a/**/e"],
    ];
    for (const [pattern, plain] of cases) {
      assert.equal(plainPattern(pattern, false), plain, pattern);
    }
    assert.equal(plainPattern("*a*b*c*d", true), undefined);
  });

  it("name what they named, and cost no more than the path is long", () => {
    const hostile = [
      "*a".repeat(20) + "b",
      "/*a*a".repeat(10) + "/b",
      "**/a/".repeat(10) + "b",
      "a**".repeat(10) + "/b",
    ];
    const rules = new IgnoreFiles(
      [{ folder: "", name: ".gitignore", text: [...hostile, "*_*_*_*.csv"].join("\n") }],
      false,
    );
    const before = processorMs();
    for (const path of ["a".repeat(250), `${"a/".repeat(1000)}c`, `${"aaaaaaaaa/".repeat(100)}c`]) {
      assert.equal(rules.ruleFor(path), undefined, path.slice(0, 20));
    }
    assert.ok(processorMs() - before < 2000, `${processorMs() - before} ms`);
    for (const text of [" ".repeat(300_000) + "x", "x".repeat(1_000_000), "\\".repeat(100_000), "?".repeat(500_000)]) {
      const file = { folder: "", name: ".gitignore", text: `${text}\n*.log` };
      assert.match(new IgnoreFiles([file], false).ruleFor("a/b.log") ?? "", /^'\*\.log' in line 2/);
    }
    assert.ok(processorMs() - before < 4000, `${processorMs() - before} ms`);
    assert.match(rules.ruleFor("x/1_2_3_4.csv") ?? "", /^'\*_\*_\*_\*\.csv' in line 5/);
    assert.match(rules.ruleFor(`${"a".repeat(30)}b`) ?? "", /line 1/);
  });

  it("are so many that nobody has written them: nothing there is read", () => {
    const text = Array.from({ length: 200_000 }, (_, i) => `x${String(i)}`).join("\n");
    for (const folder of ["", "sub"]) {
      const before = processorMs();
      const rules = new IgnoreFiles([{ folder, name: `${folder}/.gitignore`, text }], false);
      assert.match(rules.ruleFor("sub/b/c.ts") ?? "", /which has too many lines$/);
      assert.equal(rules.ruleFor("c.ts") === undefined, folder !== "");
      assert.ok(processorMs() - before < 1000);
    }
  });
});
