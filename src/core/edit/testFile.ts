/** Where tests of a file may be, the most usual place first: paths of the same form as the given one. */
export function testFilesFor(path: string, languageId: string): string[] {
  const slash = path.lastIndexOf("/");
  const folder = path.slice(0, slash + 1);
  const name = path.slice(slash + 1);
  const dot = name.lastIndexOf(".");
  const [stem, extension] = dot <= 0 ? [name, ""] : [name.slice(0, dot), name.slice(dot)];
  switch (languageId) {
    case "python":
      return [`${folder}test_${stem}.py`, `${folder}tests/test_${stem}.py`, `${parent(folder)}tests/test_${stem}.py`];
    case "go":
      return [`${folder}${stem}_test.go`];
    case "rust":
      // Cargo reads no file for being called like a test: unit tests stand in the source itself.
      return [path];
    case "java":
    case "kotlin":
    case "scala":
    case "groovy":
      return [`${folder.replace("/main/", "/test/")}${stem}Test${extension}`];
    case "csharp":
      return [`${folder}${stem}Tests${extension}`];
    case "php":
      return [`${folder}${stem}Test${extension}`];
    case "ruby":
      return [`${folder}${stem}_spec.rb`, `${folder.replace(/\/(?:lib|app)\//, "/spec/")}${stem}_spec.rb`];
    case "c":
    case "cpp":
      return [`${folder}${stem}_test${extension.replace(/^\.h(?:pp|h)?$/, ".cc")}`];
    default:
      return [
        `${folder}${stem}.test${extension}`,
        `${folder}${stem}.spec${extension}`,
        `${folder}__tests__/${stem}.test${extension}`,
      ];
  }
}

function parent(folder: string): string {
  const above = folder.replace(/[^/]+\/$/, "");
  return above === folder ? folder : above;
}

/** Whether a file is one of tests already, by the name that runners of its language look for. */
export function isTestFile(path: string): boolean {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return (
    /^test_[^/]*\.(?:py|rb|c|cc|cpp|jl|lua)$/.test(name) ||
    /_test\.(?:py|go|rs|c|cc|cpp|cxx|dart|exs?|rb|jl|lua)$/.test(name) ||
    /_spec\.(?:rb|lua|cr)$/.test(name) ||
    /\.(?:test|spec|cy|e2e)\.[cm]?[jt]sx?$/.test(name) ||
    path.startsWith("__tests__/") ||
    path.includes("/__tests__/") ||
    /[\p{Ll}\p{N}]Tests?\.(?:java|kt|cs|php|swift|scala|groovy|fs|vb)$|^[\p{Lu}]Tests?\.(?:java|kt|cs|php)$/u.test(
      name,
    ) ||
    /(?:^|\/)tests\/[^/]+\.rs$/.test(path)
  );
}
