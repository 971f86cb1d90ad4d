import { languageIdOfExtension, languageIdOfFileName } from "./syntax/languages";

/** What the core must know of a language to tell code from strings and comments, and where blocks begin. */
export interface Language {
  readonly lineComments: readonly string[];
  readonly blockComments: readonly (readonly [open: string, close: string])[];
  /** Longest first: `"""` before `"`. */
  readonly quotes: readonly Quote[];
  /** Brackets that must balance; prose has none. */
  readonly brackets: boolean;
  /** `<a href="…">`: quotes count inside tags only. */
  readonly tags: boolean;
  /** A slash may begin a regular expression, in which quotes and brackets mean nothing. */
  readonly regex: boolean;
  /** What opens a block at the end of a line; see blockRules.ts. */
  readonly blocks: BlockStyle;
  /** Nothing but its indentation says to which block a line belongs. */
  readonly isIndentStrict?: boolean;
  /** Indented by tabs, whatever an editor's settings say. */
  readonly tabs?: boolean;
  /** `@@`, `$$` and `..` mean something. */
  readonly doubledSigns?: boolean;
  /** Statements end with a semicolon. */
  readonly semicolons: boolean;
}

export type BlockStyle = "braces" | "colon" | "rules" | "words" | "tags" | "any" | "none";

export interface Quote {
  readonly text: string;
  /** May go on over line ends. Others end with their line, so that one stray quote does not turn a file inside out. */
  readonly multiline: boolean;
  /** `${` leads back to code. */
  readonly template?: boolean;
  /** One character as in C: `'a`, a lifetime in Rust, opens nothing. */
  readonly character?: boolean;
}

const DOUBLE: Quote = { text: '"', multiline: false };
const SINGLE: Quote = { text: "'", multiline: false };
const CHARACTER: Quote = { text: "'", multiline: false, character: true };
const RAW_BACKTICK: Quote = { text: "`", multiline: true };
const TEMPLATE: Quote = { text: "`", multiline: true, template: true };
const TRIPLE_DOUBLE: Quote = { text: '"""', multiline: true };
const TRIPLE_SINGLE: Quote = { text: "'''", multiline: true };

const FALLBACK: Language = {
  lineComments: [],
  blockComments: [],
  quotes: [DOUBLE],
  brackets: true,
  tags: false,
  regex: false,
  blocks: "any",
  semicolons: false,
};
const C: Language = {
  ...FALLBACK,
  lineComments: ["//"],
  blockComments: [["/*", "*/"]],
  quotes: [DOUBLE, CHARACTER],
  blocks: "braces",
  semicolons: true,
};
const C_LONG_STRINGS: Language = { ...C, quotes: [TRIPLE_DOUBLE, DOUBLE, CHARACTER] };
const GO: Language = { ...C, quotes: [DOUBLE, CHARACTER, RAW_BACKTICK], semicolons: false, tabs: true };
const RUST: Language = { ...C, quotes: [{ text: '"', multiline: true }, CHARACTER] };
const SCRIPT: Language = { ...C, quotes: [DOUBLE, SINGLE, TEMPLATE], regex: true };
const PHP: Language = { ...C, lineComments: ["//", "#"], quotes: [DOUBLE, SINGLE] };
const CSS: Language = { ...C, lineComments: [], quotes: [DOUBLE, SINGLE] };
const JSON_LIKE: Language = { ...C, quotes: [DOUBLE], semicolons: false };
const PYTHON: Language = {
  ...FALLBACK,
  lineComments: ["#"],
  quotes: [TRIPLE_DOUBLE, TRIPLE_SINGLE, DOUBLE, SINGLE],
  blocks: "colon",
  isIndentStrict: true,
};
const SHELL: Language = {
  ...FALLBACK,
  doubledSigns: true,
  lineComments: ["#"],
  quotes: [
    { text: '"', multiline: true },
    { text: "'", multiline: true },
  ],
  blocks: "words",
};
const RUBY: Language = {
  ...FALLBACK,
  lineComments: ["#"],
  quotes: [DOUBLE, SINGLE],
  doubledSigns: true,
  blocks: "words",
};
const YAML: Language = { ...RUBY, blocks: "colon" };
const DASHES: Language = { ...FALLBACK, lineComments: ["--"], quotes: [DOUBLE, SINGLE], blocks: "words" };
const SQL: Language = {
  ...DASHES,
  quotes: [...["$$", "$body$", "$function$", "$func$"].map((text) => ({ text, multiline: true })), DOUBLE, SINGLE],
};
const LISP: Language = { ...FALLBACK, lineComments: [";"], blocks: "none" };
const TAGS: Language = {
  ...FALLBACK,
  blockComments: [["<!--", "-->"]],
  quotes: [DOUBLE, SINGLE],
  brackets: false,
  tags: true,
  blocks: "tags",
};
const PROSE: Language = { ...FALLBACK, quotes: [], brackets: false, blocks: "none" };

/** By VS Code's language identifiers. */
const LANGUAGES = new Map<string, Language>([
  ...among(C, "c", "cpp", "objective-c", "objective-cpp", "cuda-cpp"),
  ...among(C_LONG_STRINGS, "java", "csharp"),
  ...among({ ...C_LONG_STRINGS, semicolons: false }, "kotlin", "scala", "groovy", "swift"),
  ...among(GO, "go"),
  ...among(RUST, "rust"),
  ...among(SCRIPT, "javascript", "typescript", "javascriptreact", "typescriptreact", "dart"),
  ...among(PHP, "php"),
  ...among(CSS, "css", "scss", "less"),
  ...among(JSON_LIKE, "json", "jsonc", "json5"),
  ...among(PYTHON, "python"),
  ...among(SHELL, "shellscript"),
  ...among(RUBY, "ruby", "perl", "r", "elixir", "julia", "dockerfile", "powershell", "toml", "ini", "cmake"),
  ...among({ ...RUBY, blocks: "rules", tabs: true }, "makefile"),
  ...among(YAML, "yaml"),
  ...among(DASHES, "lua", "haskell"),
  ...among(SQL, "sql"),
  ...among(LISP, "clojure", "lisp", "scheme"),
  ...among(TAGS, "html", "xml", "xsl", "vue", "svelte", "handlebars"),
  ...among(PROSE, "markdown", "plaintext", "restructuredtext", "latex"),
]);

function among(language: Language, ...ids: readonly string[]): [string, Language][] {
  return ids.map((id) => [id, language]);
}

/** What is known of a language; of an unknown one, what most have in common. */
export function languageOf(languageId: string): Language {
  return LANGUAGES.get(languageId) ?? FALLBACK;
}

const EXTENSIONS = new Map<string, string>([
  ...["ts", "mts", "cts"].map((each) => [each, "typescript"] as const),
  ...["js", "mjs", "cjs"].map((each) => [each, "javascript"] as const),
  ...["c", "h"].map((each) => [each, "c"] as const),
  ...["cc", "cpp", "cxx", "hpp", "hh"].map((each) => [each, "cpp"] as const),
  ...["sh", "bash", "zsh"].map((each) => [each, "shellscript"] as const),
  ...["yml", "yaml"].map((each) => [each, "yaml"] as const),
  ...["htm", "html"].map((each) => [each, "html"] as const),
  ["tsx", "typescriptreact"],
  ["jsx", "javascriptreact"],
  ["py", "python"],
  ["rs", "rust"],
  ["rb", "ruby"],
  ["kt", "kotlin"],
  ["cs", "csharp"],
  ["md", "markdown"],
  ["txt", "plaintext"],
  ["pl", "perl"],
  ["hs", "haskell"],
  ["mk", "makefile"],
  ["clj", "clojure"],
]);

/** For callers without an editor: a VS Code language identifier for a path; most extensions are their own identifier. */
export function languageIdOfPath(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  const extension = /\.([A-Za-z0-9]+)$/.exec(name)?.[1]?.toLowerCase();
  const known = extension === undefined ? undefined : EXTENSIONS.get(extension);
  return languageIdOfFileName(name) ?? known ?? languageIdOfExtension(name) ?? extension ?? "plaintext";
}
