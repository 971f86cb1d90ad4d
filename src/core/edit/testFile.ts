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
      return [`${folder}${stem}_test.rs`, `${parent(folder)}tests/${stem}.rs`];
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

/** Whether a file is one of tests already. */
export function isTestFile(path: string): boolean {
  return /(?:^|\/)(?:test_[^/]*|[^/]*(?:[._](?:test|spec)|Tests?))\.[^./]+$/.test(path);
}
