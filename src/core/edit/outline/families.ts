/** How the languages of a family group code. */
export interface Family {
  readonly kind:
    | "script"
    | "java"
    | "csharp"
    | "c"
    | "go"
    | "rust"
    | "kotlin"
    | "php"
    | "python"
    | "ruby"
    | "css"
    | "json"
    | "yaml"
    | "toml"
    | "shell"
    | "sql"
    | "make"
    | "docker"
    | "haskell"
    | "other";
  /** Blocks end at brackets; else where the indentation ends. */
  readonly brackets: boolean;
  /** Functions stand in classes only. */
  readonly allInClasses?: boolean;
  /** Functions with other parameters may share a name. */
  readonly overloads?: boolean;
  /** Functions have clauses, which their patterns tell apart. */
  readonly clauses?: boolean;
}

const FAMILIES: readonly (readonly [Family, readonly string[]])[] = [
  [{ kind: "script", brackets: true }, ["javascript", "typescript", "javascriptreact", "typescriptreact", "dart"]],
  [{ kind: "java", brackets: true, allInClasses: true, overloads: true }, ["java"]],
  [{ kind: "csharp", brackets: true, allInClasses: true, overloads: true }, ["csharp"]],
  [{ kind: "c", brackets: true }, ["c", "objective-c"]],
  [{ kind: "c", brackets: true, overloads: true }, ["cpp", "objective-cpp", "cuda-cpp", "arduino"]],
  [{ kind: "go", brackets: true }, ["go"]],
  [{ kind: "rust", brackets: true }, ["rust"]],
  [{ kind: "kotlin", brackets: true, overloads: true }, ["kotlin", "scala", "swift", "groovy"]],
  [{ kind: "php", brackets: true }, ["php"]],
  [{ kind: "python", brackets: false }, ["python"]],
  [
    { kind: "ruby", brackets: false },
    [
      "ruby",
      "lua",
      "julia",
      "crystal",
      "matlab",
      "vb",
      "pascal",
      "objectpascal",
      "fortran",
      "fortran-modern",
      "FortranFreeForm",
      "verilog",
      "systemverilog",
      "vhdl",
      "coffeescript",
      "gdscript",
      "nim",
    ],
  ],
  [{ kind: "ruby", brackets: false, clauses: true }, ["elixir"]],
  [{ kind: "css", brackets: true }, ["css", "scss", "less"]],
  [{ kind: "json", brackets: true }, ["json", "jsonc", "json5"]],
  [{ kind: "yaml", brackets: false }, ["yaml"]],
  [{ kind: "toml", brackets: false }, ["toml", "ini", "properties"]],
  [{ kind: "shell", brackets: true }, ["shellscript", "perl", "r", "powershell"]],
  [{ kind: "sql", brackets: true }, ["sql"]],
  [{ kind: "make", brackets: false }, ["makefile"]],
  [{ kind: "docker", brackets: false }, ["dockerfile"]],
  [{ kind: "haskell", brackets: false }, ["haskell", "elm", "purescript", "fsharp", "ocaml"]],
];
const BY_ID = new Map(FAMILIES.flatMap(([family, ids]) => ids.map((id) => [id, family] as const)));
const OTHER: Family = { kind: "other", brackets: true };

export function familyOf(languageId: string): Family {
  return BY_ID.get(languageId) ?? OTHER;
}
