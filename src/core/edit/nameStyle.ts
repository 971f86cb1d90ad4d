type Style = "camel" | "pascal" | "snake" | "constant" | "kebab";

/** A name of several words tells how words are joined; one of a single word leaves that open. */
function styleOf(name: string): Style | undefined {
  const bare = name.replace(/^[_$#@]+|[_?!]+$/g, "");
  if (/^[\p{Ll}\p{N}]+(?:-[\p{Ll}\p{N}]+)+$/u.test(bare)) {
    return "kebab";
  }
  if (/^[\p{Lu}\p{N}]+(?:_[\p{Lu}\p{N}]+)+$/u.test(bare) || /^\p{Lu}[\p{Lu}\p{N}]{2,}$/u.test(bare)) {
    return "constant";
  }
  if (/^[\p{Ll}\p{N}]+(?:_[\p{Ll}\p{N}]+)+$/u.test(bare)) {
    return "snake";
  }
  if (/^\p{Lu}[\p{L}\p{N}]*\p{Ll}[\p{L}\p{N}]*$/u.test(bare)) {
    return "pascal";
  }
  return /^\p{Ll}+[\p{L}\p{N}]*\p{Lu}[\p{L}\p{N}]*$/u.test(bare) ? "camel" : undefined;
}

/** How a language's style guide joins the words of variables and functions, where a name of one word leaves it open. */
const CUSTOMARY: Readonly<Record<string, Style>> = {
  python: "snake",
  ruby: "snake",
  rust: "snake",
  elixir: "snake",
  javascript: "camel",
  javascriptreact: "camel",
  typescript: "camel",
  typescriptreact: "camel",
  java: "camel",
  kotlin: "camel",
  swift: "camel",
  dart: "camel",
  scala: "camel",
  go: "camel",
};

/** A suggested name written as the present one is, or else as names of its language are. `languageId` "": unknown. */
export function inStyleOf(name: string, current: string, languageId = ""): string {
  const isWord = /^[_$#@]*\p{Ll}/u.test(current);
  const style = styleOf(current) ?? (isWord ? CUSTOMARY[languageId] : undefined);
  const prefix = /^[_$#@]+/.exec(current)?.[0] ?? "";
  const own = /^[_$#@]+/.exec(name)?.[0] ?? "";
  const mark = /[?!]$/.exec(name)?.[0] ?? "";
  const bare = name.slice(own.length, name.length - mark.length);
  // A sigil is part of the syntax and stays as it is; an underscore is one of the name.
  const lead = /[$#@]/.test(own + prefix) || own === "" ? prefix : own;
  if (bare === "") {
    return name;
  }
  if (!/[_-]/.test(bare) && style === undefined && !/^\p{Lu}/u.test(bare)) {
    return `${lead}${bare}${mark}`;
  }
  const joined = joinedAs(style, bare, current);
  return `${lead}${joined}${mark}`;
}

function joinedAs(style: Style | undefined, name: string, current: string): string {
  const words = name
    .split(/[_-]+|(?<=[\p{Ll}\p{N}])(?=\p{Lu})|(?<=\p{Lu})(?=\p{Lu}\p{Ll})/u)
    .filter((word) => word !== "");
  const lower = words.map((word) => word.toLowerCase());
  const capital = (word: string): string => word.slice(0, 1).toUpperCase() + word.slice(1);
  switch (style) {
    case "snake":
      return lower.join("_");
    case "constant":
      return lower.join("_").toUpperCase();
    case "kebab":
      return lower.join("-");
    case "camel":
      return lower.map((word, i) => (i === 0 ? word : capital(word))).join("");
    case "pascal":
      return lower.map(capital).join("");
    case undefined:
      // `foo` may stand for `fooBar` as for `foo_bar`, and for neither `FooBar` nor `FOO`.
      return /^\p{Ll}/u.test(current.replace(/^[_$#@]+/, "")) && /^\p{Lu}/u.test(name) && !name.includes("_")
        ? lower.map((word, i) => (i === 0 ? word : capital(word))).join("")
        : name;
  }
}
