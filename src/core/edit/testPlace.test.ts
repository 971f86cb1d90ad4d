import assert from "node:assert/strict";
import { detectIndentation } from "../indentation";
import { placeTests } from "./testPlace";

function place(languageId: string, text: string, code: string): string {
  const lines = text.split("\n");
  const placed = placeTests(code.split("\n"), { lines, languageId, indentation: detectIndentation(text) });
  assert.ok(placed.kind === "placed");
  return placed.lines.join("\n");
}

describe("placeTests", () => {
  it("puts them inside the last describe, and imports among the imports", () => {
    const text = `import { a } from "./a";\n\ndescribe("a", () => {\n  it("is", () => {\n    a();\n  });\n});\n`;
    const code = `import { b } from "./a";\n\nit("was", () => {\n  b();\n});`;
    assert.equal(
      place("typescript", text, code),
      `import { a, b } from "./a";\n\ndescribe("a", () => {\n  it("is", () => {\n    a();\n  });\n\n  it("was", () => {\n    b();\n  });\n});\n`,
    );
  });

  it("merges a describe with the one of its name", () => {
    const text = `describe("a", () => {\n  it("is", () => {\n    a();\n  });\n});\n`;
    const code = `describe("a", () => {\n  it("was", () => {\n    b();\n  });\n});`;
    assert.match(
      place("typescript", text, code),
      /a\(\);\n {2}\}\);\n\n {2}it\("was", \(\) => \{\n {4}b\(\);\n {2}\}\);\n\}\);\n$/,
    );
  });

  it("puts methods into the class", () => {
    const text =
      "import org.junit.Test;\n\npublic class ATest {\n    @Test\n    public void is() {\n        a();\n    }\n}\n";
    const code = "@Test\npublic void was() {\n    b();\n}";
    assert.match(
      place("java", text, code),
      /a\(\);\n {4}\}\n\n {4}@Test\n {4}public void was\(\) \{\n {8}b\(\);\n {4}\}\n\}\n$/,
    );
  });

  it("puts functions before what runs a script", () => {
    const text =
      'import unittest\n\n\ndef test_a():\n    assert a()\n\n\nif __name__ == "__main__":\n    unittest.main()\n';
    const code = "def test_b():\n    assert b()";
    assert.match(place("python", text, code), /assert a\(\)\n\n\ndef test_b\(\):\n {4}assert b\(\)\n\n\nif __name__/);
  });

  it("puts methods of a test case into its class", () => {
    const text =
      "import unittest\n\n\nclass TestA(unittest.TestCase):\n    def test_a(self):\n        pass\n\n\nif __name__ == '__main__':\n    unittest.main()\n";
    assert.match(
      place("python", text, "def test_b(self):\n    pass"),
      / {4}def test_a\(self\):\n {8}pass\n\n {4}def test_b\(self\):\n {8}pass\n\n\nif/,
    );
  });

  it("puts them into the module of tests of a source in Rust, and makes one", () => {
    const text =
      "pub fn a() {}\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n\n    #[test]\n    fn is() {\n        a();\n    }\n}\n";
    const code = "#[test]\nfn was() {\n    a();\n}";
    assert.match(
      place("rust", text, code),
      / {4}fn is\(\) \{\n {8}a\(\);\n {4}\}\n\n {4}#\[test\]\n {4}fn was\(\) \{\n {8}a\(\);\n {4}\}\n\}\n$/,
    );
    assert.equal(
      place("rust", "pub fn a() {}\n", code),
      "pub fn a() {}\n\n#[cfg(test)]\nmod tests {\n    use super::*;\n\n    #[test]\n    fn was() {\n        a();\n    }\n}\n",
    );
  });

  it("puts them at the end of a file that has no group", () => {
    const text = "package a\n\nfunc TestA(t *testing.T) {\n\ta()\n}\n";
    assert.equal(
      place("go", text, "func TestB(t *testing.T) {\n\tb()\n}"),
      `${text}\nfunc TestB(t *testing.T) {\n\tb()\n}\n`,
    );
    assert.equal(place("typescript", "", "it('a', () => {\n});"), "it('a', () => {\n});\n");
  });
});
