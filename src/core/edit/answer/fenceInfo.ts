import { languageIdOfPath } from "../../language";

/** What a fence says of its code. */
export interface FenceInfo {
  /** A VS Code language identifier, or the name as it was given; "" where none was. */
  readonly language: string;
  /** The file that the code is for or of. */
  readonly path?: string;
}

/** Names that people write behind fences, by VS Code's language identifier. */
const ALIASES: Readonly<Record<string, string>> = {
  "c#": "csharp",
  "c++": "cpp",
  "objective-c": "objective-c",
  bash: "shellscript",
  cmd: "bat",
  console: "shellscript",
  cs: "csharp",
  cxx: "cpp",
  docker: "dockerfile",
  f90: "fortran",
  golang: "go",
  htm: "html",
  javascript: "javascript",
  js: "javascript",
  jsx: "javascriptreact",
  kt: "kotlin",
  make: "makefile",
  markdown: "markdown",
  md: "markdown",
  mdx: "mdx",
  mjs: "javascript",
  objc: "objective-c",
  patch: "diff",
  pl: "perl",
  postgresql: "sql",
  mysql: "sql",
  sqlite: "sql",
  ps1: "powershell",
  py: "python",
  py3: "python",
  python3: "python",
  rb: "ruby",
  rs: "rust",
  sass: "scss",
  sh: "shellscript",
  shell: "shellscript",
  "shell-session": "shellscript",
  "sh-session": "shellscript",
  terminal: "shellscript",
  ts: "typescript",
  tsx: "typescriptreact",
  udiff: "diff",
  vuejs: "vue",
  yml: "yaml",
  zsh: "shellscript",
};
/** Names of languages that are their own identifiers. */
const NAMES =
  "c cpp css scss less html xml json jsonc json5 yaml toml ini sql java kotlin scala groovy swift dart go rust ruby php " +
  "perl lua r julia haskell elixir erlang clojure lisp scheme fsharp vb vue svelte astro graphql proto protobuf diff dockerfile " +
  "makefile cmake nix zig nim solidity powershell bat text txt plaintext markdown mermaid latex tex regex http csv log " +
  "typescriptreact javascriptreact objectivec matlab fortran pascal assembly asm wasm jinja handlebars razor terraform hcl";
const KNOWN = new Set([...Object.keys(ALIASES), ...Object.values(ALIASES), ...NAMES.split(" ")]);

/** Whether a word is the name of a language, and not talk behind a mark. */
export function isLanguageName(word: string): boolean {
  return KNOWN.has(word.toLowerCase());
}

/** They name no language. */
const NO_LANGUAGE = new Set(["", "text", "txt", "plaintext", "plain", "code", "none", "nohighlight", "output"]);
const MARKDOWN = new Set(["markdown", "mdx", "rmd", "rmarkdown", "qmd", "quarto", "mkd", "mdc", "asciidoc"]);
const PATH = /^[\w@.~+-]*(?:[/\\][\w@.~+ -]+)+$|^[\w@~+-][\w@.~+-]*\.[A-Za-z]\w{0,9}$/;

export function fenceInfo(info: string): FenceInfo {
  const text = info.trim();
  const named =
    /(?:^|[\s{,])(?:title|file|filename|file_path|path|name)\s*[=:]\s*(?:"([^"]+)"|'([^']+)'|([^\s,}]+))/i.exec(text);
  const first = (/^\{?\s*\.?([^\s,:{}=]*)/.exec(text)?.[1] ?? "").toLowerCase();
  const words = text.split(/[\s:]+/);
  const path = named?.[1] ?? named?.[2] ?? named?.[3] ?? words.find((word, i) => isPath(word, i));
  const [whole = ""] = words;
  if (isPath(whole, 0)) {
    return { language: languageIdOfPath(whole), path: whole };
  }
  const language = languageNamed(/^\d+$/.test(first) ? "" : first);
  const own = language === "" && path !== undefined ? languageIdOfPath(path) : language;
  return path === undefined ? { language: own } : { language: own, path };
}

/** A VS Code language identifier for a name behind a fence. */
export function languageNamed(name: string): string {
  const lower = name.toLowerCase();
  return NO_LANGUAGE.has(lower) ? "" : (ALIASES[lower] ?? lower);
}

export function isMarkdown(language: string): boolean {
  return MARKDOWN.has(language);
}

/** A first word such as `c` or `js` is a language; `Makefile` and `a.ts` are files. */
function isPath(word: string, at: number): boolean {
  return PATH.test(word) && !(at === 0 && /^(?:asp|vb|node|next|vue|three|d3)\.(?:net|js)$/i.test(word));
}

/** Languages of one family: code of one stands in files of another. */
const FAMILIES: readonly (readonly string[])[] = [
  ["javascript", "javascriptreact", "typescript", "typescriptreact", "vue", "svelte", "astro", "html", "php"],
  ["css", "scss", "less", "html", "vue", "svelte", "astro"],
  ["html", "xml", "vue", "svelte", "handlebars", "php", "astro", "razor", "erb", "svg", "django-html", "jinja"],
  ["c", "cpp", "objective-c", "objective-cpp", "cuda-cpp", "arduino"],
  ["json", "jsonc", "json5", "jsonl"],
  ["markdown", "mdx", "rmd", "rmarkdown", "qmd", "quarto"],
  ["shellscript", "fish"],
  ["kotlin", "groovy", "gradle"],
  ["ini", "toml", "properties", "dotenv"],
  ["python", "ipython", "sage", "starlark", "bazel"],
  ["makefile", "make"],
];

/** Whether code of one language may stand in a file of another. An unknown one may stand anywhere. */
export function mayStandIn(language: string, fileLanguageId: string): boolean {
  if (language === "" || fileLanguageId === "" || fileLanguageId === "plaintext" || language === fileLanguageId) {
    return true;
  }
  // A Markdown file has blocks of every language.
  return (
    isMarkdown(fileLanguageId) || FAMILIES.some((each) => each.includes(language) && each.includes(fileLanguageId))
  );
}
