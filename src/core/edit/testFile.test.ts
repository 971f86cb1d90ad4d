import assert from "node:assert/strict";
import { isTestFile, testFilesFor } from "./testFile";

describe("testFilesFor", () => {
  const CASES: readonly [path: string, languageId: string, first: string][] = [
    ["/p/src/a.ts", "typescript", "/p/src/a.test.ts"],
    ["/p/src/view.tsx", "typescriptreact", "/p/src/view.test.tsx"],
    ["/p/a.py", "python", "/p/test_a.py"],
    ["/p/a.go", "go", "/p/a_test.go"],
    ["/p/src/main/java/x/A.java", "java", "/p/src/test/java/x/ATest.java"],
    ["/p/lib/a.rb", "ruby", "/p/lib/a_spec.rb"],
    ["/p/src/a.rs", "rust", "/p/src/a.rs"],
    ["/p/a.h", "cpp", "/p/a_test.cc"],
    ["/Makefile", "makefile", "/Makefile.test"],
  ];
  for (const [path, languageId, first] of CASES) {
    it(`of ${path} begins with ${first}`, () => {
      const files = testFilesFor(path, languageId);
      assert.equal(files[0], first);
      assert.ok(languageId === "rust" || !files.includes(path));
    });
  }
});

describe("isTestFile", () => {
  it("goes by the usual names", () => {
    for (const path of [
      "/a.test.ts",
      "/a.spec.js",
      "/test_a.py",
      "/p/a_test.go",
      "/ATest.java",
      "/x/ATests.cs",
      "/a_spec.rb",
    ]) {
      assert.ok(isTestFile(path), path);
    }
    for (const path of [
      "/test_a.ts",
      "/test_connection.go",
      "/Contest.java",
      "/a.ts",
      "/test.ts",
      "/latest.ts",
      "/contest.go",
      "/test/a.ts",
      "/protest_.py",
    ]) {
      assert.ok(!isTestFile(path), path);
    }
  });
});
