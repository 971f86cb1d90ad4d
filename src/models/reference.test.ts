import assert from "node:assert/strict";
import { parseReference, referenceName } from "./reference";

describe("a model's name", () => {
  const hub = (given: string) => {
    const reference = parseReference(given);
    return reference.kind === "hub" ? reference : assert.fail(`'${given}' is no file of a hub`);
  };

  it("may be an id of the catalogue, or any of its repositories with the file", () => {
    const byId = hub("smallthinker-4b-instruct");
    assert.equal(byId.catalogue?.id, "smallthinker-4b-instruct");
    assert.equal(byId.repositories.length, 2);
    const name = `PowerInfer/SmallThinker-4BA0.6B-Instruct-GGUF/${byId.file}`;
    assert.deepEqual(hub(name), byId);
    assert.equal(referenceName(byId), `Tiiny/SmallThinker-4BA0.6B-Instruct-GGUF/${byId.file}`);
  });

  it("may be org/repo/file, with folders, or org/repo", () => {
    assert.deepEqual(hub("a/b/c.gguf"), { kind: "hub", repositories: ["a/b"], file: "c.gguf" });
    assert.equal(hub("hf:a/b/q4/c.GGUF").file, "q4/c.GGUF");
    assert.deepEqual(parseReference("a/b"), { kind: "repository", repository: "a/b" });
  });

  it("may be an address; a page of the hub is what it shows", () => {
    assert.deepEqual(hub("https://huggingface.co/a/b/blob/main/c.gguf"), {
      kind: "hub",
      repositories: ["a/b"],
      file: "c.gguf",
    });
    assert.equal(hub("https://huggingface.co/a/b/resolve/v2/c.gguf?download=true").revision, "v2");
    const blanks = parseReference("https://huggingface.co/a/b/blob/main/my%20model%20(2).gguf");
    assert.ok(blanks.kind === "url");
    assert.equal(blanks.url.href, "https://huggingface.co/a/b/resolve/main/my%20model%20(2).gguf");
    assert.equal(referenceName(blanks), "huggingface.co/my_model__2_.gguf");
    const url = parseReference("https://example.org:8080/x/my%20model.gguf?sig=1");
    assert.ok(url.kind === "url");
    assert.equal(referenceName(url), "example.org_8080/my_model.gguf");
  });

  it("may be the page of a repository, as it is copied from a browser", () => {
    for (const page of ["https://huggingface.co/a/b", "https://hf.co/a/b/", "https://huggingface.co/a/b/tree/main"]) {
      assert.deepEqual(parseReference(page), { kind: "repository", repository: "a/b" });
    }
  });

  it("may be a path", () => {
    for (const path of ["/m/x.gguf", "./x.gguf", "../x.gguf", "C:\\m\\x.gguf"]) {
      assert.deepEqual(parseReference(path), { kind: "path", path });
    }
  });

  const bad: readonly (readonly [string, RegExp])[] = [
    ["", /neither an id/],
    ["x", /neither an id/],
    ["a/../../etc/passwd.gguf", /neither an id/],
    ["a/b/.hidden.gguf", /neither an id/],
    ["a/b/c/d/e/f/g/h/i.gguf", /neither an id/],
    ["a/b/model.bin", /no \.gguf/],
    ["ftp://h/x.gguf", /only http and https/],
    ["https://user:secret@h/x.gguf", /password/],
    ["https://h/x.zip", /does not end in \.gguf/],
    ["https://", /malformed/],
    ["https://h/%E0%A4%A.gguf", /malformed/],
    ["https://huggingface.co/a/b/blob/main/%E0.gguf", /malformed/],
    ["https://huggingface.co/a", /does not end/],
    ["a/b/c\u0000.gguf", /neither an id/],
  ];
  for (const [given, says] of bad) {
    it(`is not '${JSON.stringify(given)}'`, () => {
      assert.throws(
        () => parseReference(given),
        (error: Error & { code?: string }) => {
          assert.equal(error.code, "reference");
          assert.match(error.message, says);
          assert.doesNotMatch(error.message, /secret|\u0000/);
          return true;
        },
      );
    });
  }

  it("never leaves the folder of models", () => {
    const url = parseReference("https://h/%2e%2e%2f%2e%2e%2fx.gguf");
    assert.ok(url.kind === "url");
    assert.doesNotMatch(referenceName(url).split("/").slice(1).join("/"), /^\.|\//);
  });
});
