import { type Declaration, type Head, STATEMENT } from "./declaration";
import type { Family } from "./families";

const NAME = String.raw`[\p{L}_$][\p{L}\p{N}_$]*`;
const CONTROL =
  /^(?:if|for|foreach|while|switch|catch|return|with|else|do|new|await|throw|try|finally|using|lock|fixed|case|default|elif|except|unless|until|when|match|loop|assert|delete|typeof|sizeof|print|echo|yield|goto|super|this|synchronized)$/;
/** Before a type or a name; not all in all languages, which does no harm. */
const MODIFIERS = String.raw`(?:(?:export|default|declare|public|private|protected|internal|fileprivate|open|static|async|abstract|override|final|readonly|sealed|partial|data|inline|extern|virtual|unsafe|suspend|const(?=\s+(?:fn|unsafe|async|extern|enum|val)\b)|mut|lateinit|transient|volatile|native|strictfp|default|new|required|explicit|implicit|operator(?=\s+fun)|infix|tailrec|inner|value|annotation|companion|case|implicit|lazy|mutating|nonmutating|convenience|weak|unowned|pub(?:\([^)]*\))?)\s+)*`;
const CONTAINERS =
  "class|interface|defmodule|defprotocol|defimpl|struct|enum(?: class| struct)?|union|trait|namespace|module|mod|object|record(?: class| struct)?|extension|protocol|actor|contract|annotation class|@interface|companion object";

const HEAD_CHARS_MAX = 4000;

const re = (text: string, flags = "u"): RegExp => new RegExp(text, flags);
const CONTAINER = re(String.raw`^${MODIFIERS}(${CONTAINERS})\b\s*(${NAME}(?:[.:]{1,2}${NAME})*)?`);
const IMPL = /^(?:pub\s+)?(?:unsafe\s+)?impl\b\s*(?:<[^{]*?>\s*)?([^{]*)/;
const IMPORT =
  /^(?:import\b|from\s+\S+\s+import\b|#\s*(?:include|import)\b|(?:global\s+)?using\s+(?:static\s+)?[\w.]+\s*(?:=[^;({]*)?;|(?:pub(?:\([^)]*\))?\s+)?use\s|package\s|extern\s+crate\b|@(?:import|use|forward)\b|require(?:_relative|_once)?\b|include(?:_once)?\b|library\(|source\s|export\s+(?:\*|\{[^}]*\})\s*from\b|namespace\s+[\w\\]+;|load\(|open\s+[\w.]+$)/;
const REQUIRED = re(String.raw`^(?:const|let|var)\s+[^=]+=\s*(?:await\s+)?(?:require|import)\s*\(`);
const FUNCTION = re(
  String.raw`^${MODIFIERS}(?:function\s*\*?|def|fn|func|fun|sub|proc|macro_rules!|defp|defmacro)\s+(?:\(([^)]*)\)\s*)?(?:<[^>]*>\s*)?((?:self\.)?(?:${NAME}\.)?(?:[\p{L}_$][\p{L}\p{N}_$]*[?!=]?|\x60[^\x60]+\x60))`,
);
const TYPE = re(String.raw`^${MODIFIERS}(?:type|typealias|typedef)\s+(${NAME})`);
const VARIABLE = re(
  String.raw`^${MODIFIERS}(?:const|let|var|val|static)\s+(?:mut\s+)?(?:static\s+)?(?:&?'?\w+\s+)??(${NAME})`,
);
const TEST_CALL = /^([\w$.]+)\s*\(\s*["'`]/;
/** What is registered under a title: a route, a listener, a command. */
const REGISTERED =
  /^([\w$]+(?:\.[\w$]+)*\.(?:get|post|put|patch|delete|all|use|route|on|once|addEventListener|command|registerCommand|task|handle|Handle|HandleFunc|directive|component|controller|service|factory))\s*\(\s*["'`]([^"'`]*)["'`]\s*,/;
/** A macro that defines a test: `TEST(Cart, IsEmpty) {`. */
const TEST_MACRO = /^([A-Z][A-Z0-9_]{2,}\s*\([^{};]*\))\s*\{/;
const TITLED =
  /^(RSpec\.describe|fdescribe|xdescribe|describe|context|it|fit|xit|test|specify|feature|scenario|suite|beforeEach|afterEach|beforeAll|afterAll|before|after|setup|teardown)\b(?:\.(?:each|only|skip|concurrent|todo)\b[^"'`]*)?/;

/** What a piece of code declares. `code`: its head with strings and comments blanked, `text`: as it is written. */
export function headOf(code: string, text: string, family: Family, container: Container): Head {
  const flat = code.replaceAll(/\s+/g, " ").trim();
  // Longer heads are data; patterns take the square of the length.
  const head = flat.slice(0, HEAD_CHARS_MAX).replace(/^(?:\[[^\]]*\]\s*|@[\w.]+(?:\s*\([^)]*\))?\s+(?=[^\s(=]))*/u, "");
  switch (family.kind) {
    case "css":
      return cssHead(
        text
          .replaceAll(/\/\*.*?\*\//g, "")
          .replaceAll(/\s+/g, " ")
          .trim(),
      );
    case "json":
      return jsonHead(text);
    case "yaml":
      return keyHead(/^-?\s*["']?([^\s"'#:][^:"']*?)["']?\s*:(?:\s|$)/.exec(text.trim())?.[1], text);
    case "toml":
      return tomlHead(text.trim());
    case "make":
      return makeHead(text);
    case "docker":
      return dockerHead(text);
    case "haskell":
      return equationHead(text);
    case "python":
      return pythonHead(head, text, container);
    default:
      return codeHead(head, text.replaceAll(/\s+/g, " ").trim(), family, container);
  }
}

/** What a piece of code stands in. */
export type Container = "file" | "class" | "enum" | "object" | "other";

function codeHead(head: string, text: string, family: Family, container: Container): Head {
  if (container !== "class" && (IMPORT.test(head) || REQUIRED.test(head))) {
    return { kind: "import", name: text.replaceAll(/\s+/g, " ").replace(/;$/, ""), nesting: "top" };
  }
  if (family.kind === "rust") {
    const of = IMPL.exec(head)?.[1];
    if (of !== undefined) {
      return { kind: "container", name: `impl ${of.replace(/\bwhere\b.*$/, "").trim()}`, nesting: "top" };
    }
  }
  if (family.kind === "c" || family.kind === "sql") {
    const macro = family.kind === "c" && TEST_MACRO.test(head) ? TEST_MACRO.exec(text)?.[1] : undefined;
    if (macro !== undefined) {
      return { kind: "call", name: macro.replaceAll(/\s+/g, ""), nesting: "top" };
    }
    const own = family.kind === "c" ? cHead(head) : sqlHead(head);
    if (own !== undefined) {
      return own;
    }
  }
  const [, word, name] = CONTAINER.exec(head) ?? [];
  if (word !== undefined && !(family.kind === "c" && /^[^{]*[=(]/.test(head)) && !/^\w+\s*[=(.:;]/.test(head)) {
    // Each of a type's extensions is one of its own, told by what it conforms to.
    if (word === "extension") {
      return { kind: "container", name: head.split("{")[0]?.trim() ?? word };
    }
    return { kind: "container", name: name === undefined || /^(?:extends|implements)$/.test(name) ? word : name };
  }
  const typed = TYPE.exec(head)?.[1];
  if (typed !== undefined && family.kind !== "c") {
    const hasMembers = family.kind === "go" && /\b(?:struct|interface)\s*\{/.test(head);
    return { kind: hasMembers ? "container" : "variable", name: typed, nesting: "top" };
  }
  // Names of shells may have hyphens; keywords of Visual Basic are capitals.
  const shell = /^(?:function\s+([\w:.-]+)|([\w:.-]+)\s*\(\s*\)\s*\{)/.exec(head);
  if (family.kind === "shell" && shell !== null) {
    return { kind: "function", name: shell[1] ?? shell[2] ?? "" };
  }
  const [, basic = "", basicName] =
    /^(?:(?:Public|Private|Friend|Protected|Shared|Partial|MustInherit|NotInheritable|Overrides|Overridable|Async)\s+)*(Function|Sub|Property|Module|Class|Structure|Interface|Namespace)\s+(\w+)/.exec(
      head,
    ) ?? [];
  if (family.kind === "ruby" && basicName !== undefined) {
    const isFunction = /^(?:Function|Sub|Property)$/.test(basic);
    return { kind: isFunction ? "function" : "container", name: basicName };
  }
  const clause = /^defp?\s+([\p{L}_][\p{L}\p{N}_?!]*).*(?:\bdo$|,\s*do:)/u.exec(head)?.[1];
  if (clause !== undefined) {
    return { kind: "function", name: clause, parameters: parametersOf(head.slice(4)), nesting: "member" };
  }
  // Of MATLAB: what it returns stands before its name.
  const returning = /^function\s+[^=(]*=\s*([\p{L}_][\p{L}\p{N}_.]*)/u.exec(head)?.[1];
  if (returning !== undefined) {
    return { kind: "function", name: returning, parameters: parametersOf(head) };
  }
  const declared = FUNCTION.exec(head);
  if (declared !== null) {
    return functionHead(declared, head, family);
  }
  return (
    assignedHead(head, family, container) ??
    calledHead(head, text) ??
    methodHead(head, family, container) ??
    (family.kind === "other" && container === "file" ? blockHead(text) : undefined) ??
    fieldHead(head, family, container) ??
    STATEMENT
  );
}

function functionHead([, receiver, name = ""]: RegExpExecArray, head: string, family: Family): Head {
  const parameters = parametersOf(head.slice(head.indexOf(name)));
  if (family.kind === "go" && receiver !== undefined) {
    const type = receiver.trim().split(/\s+/).at(-1)?.replace(/^\*/, "").replace(/\[.*$/, "") ?? "";
    return { kind: "function", name: `${type}.${name}`, parameters, nesting: "top" };
  }
  const isMember = (family.kind === "rust" && /^&?(?:'\w+ )?(?:mut )?self\b/.test(parameters)) || hasAccess(head);
  const isTop = family.kind === "script" || family.kind === "go";
  return { kind: "function", name, parameters, nesting: isMember ? "member" : isTop ? "top" : "any" };
}

/** `const f = …`, `exports.f = …`, `A.prototype.f = …`. */
function assignedHead(head: string, family: Family, container: Container): Head | undefined {
  // Of R, and of Lisps.
  const [, arrow, value = ""] = /^([\p{L}.][\p{L}\p{N}._]*)\s*<<?-\s*(function\b|\\\()?/u.exec(head) ?? [];
  const defined = /^\((?:def[\w-]*|define)\s+\(?([^\s()[\]]+)/.exec(head)?.[1];
  if (arrow !== undefined || defined !== undefined) {
    return { kind: value === "" && defined === undefined ? "variable" : "function", name: arrow ?? defined ?? "" };
  }
  const name = TYPED_FIRST.has(family.kind) ? undefined : VARIABLE.exec(head)?.[1];
  const isClassic = container !== "class" || !/^(?:static|readonly)\b/.test(head);
  if (name !== undefined && isClassic && !/^\s*static\s+[^=;]*\(/.test(head)) {
    const isFunction = /=\s*(?:async\s*)?(?:function\b|\([^)]*\)\s*(?::[^=]+)?=>|\w+\s*=>)/.test(head);
    const nesting = family.kind === "script" && container === "file" ? "top" : "any";
    return { kind: isFunction ? "function" : "variable", name, nesting };
  }
  const assigned = /^((?:module\.exports|exports|[\w$]+\.prototype)(?:\.[\w$]+)?|\$\w+|[A-Z_][\w.]*)\s*=(?!=)/.exec(
    head,
  )?.[1];
  return assigned === undefined || container === "class" ? undefined : { kind: "variable", name: assigned };
}

/** A call whose first argument is its title. */
function calledHead(head: string, text: string): Head | undefined {
  const [, registrar, title0 = ""] = REGISTERED.exec(text) ?? [];
  if (registrar !== undefined) {
    return { kind: "call", name: `${registrar} ${title0}`.trim() };
  }
  const called = TITLED.exec(head)?.[1];
  if (called === undefined || !(TEST_CALL.test(text) || /^[\w.]+\s*\(|^[\w.]+\s+["'\w]/.test(text))) {
    return undefined;
  }
  const title = /["'`]([^"'`]*)["'`]/.exec(text)?.[1] ?? "";
  const isGroup = /describe|context|suite|feature/.test(called);
  return { kind: isGroup ? "container" : "call", name: `${called} ${title}`.trim() };
}

/** `name(…) {`, with a type before it or without. */
function methodHead(head: string, family: Family, container: Container): Head | undefined {
  const before = /^([^(={]*?)(~?[\p{L}_$#][\p{L}\p{N}_$:~]*|operator\s*\S+|\[[^\]]*\])\s*(?:<[^(=;]*>)?\s*\(/u.exec(
    head,
  );
  if (before === null || CONTROL.test(before[2] ?? "")) {
    return undefined;
  }
  const [whole, words = "", name = ""] = before;
  const parameters = parametersOf(head.slice(whole.length - 1));
  const rest = head.slice(whole.length + parameters.length);
  const hasBody = /^\s*\)[^;]*\{|^\s*\)[^;=]*=>|^\s*\)[^;{]*$/.test(rest) && !/^\s*\)\s*[.;,)]/.test(rest);
  const isTyped = /[\p{L}>\]*&?]\s+[*&]*$/u.test(words) && !CONTROL.test(words.trim().split(/\s+/)[0] ?? "");
  const isBlock = /\{\s*$|\{/.test(rest);
  if (family.kind === "shell") {
    return /^\s*\)\s*\{?/.test(rest) && parameters === "" && isBlock ? { kind: "function", name } : undefined;
  }
  if (
    container === "class"
      ? hasBody || isTyped || hasAccess(head)
      : (isBlock || (isTyped && family.kind !== "script")) && (hasBody || isTyped)
  ) {
    const nesting =
      container === "class" || family.allInClasses === true || family.kind === "script" || hasAccess(head)
        ? "member"
        : name.includes("::")
          ? "top"
          : "any";
    return { kind: "function", name, parameters, nesting };
  }
  return undefined;
}

/** `int count = 0`: the name is behind the type. */
const TYPED_FIRST: ReadonlySet<Family["kind"]> = new Set(["c", "java", "csharp"]);
/** `count: number`: it is before the type. */
const NAME_FIRST: ReadonlySet<Family["kind"]> = new Set(["script", "rust", "kotlin", "go"]);

function fieldHead(head: string, family: Family, container: Container): Head | undefined {
  if (/^\w+(?: slots)?:$/.test(head)) {
    return undefined;
  }
  const first = NAME_FIRST.has(family.kind)
    ? re(String.raw`^${MODIFIERS}(?:val |var |let )?(#?${NAME})(?:, ${NAME})*(?:\s*[!?]?:(?!:)| [\[*\w])`).exec(
        head,
      )?.[1]
    : undefined;
  if (container === "class" && first !== undefined) {
    return { kind: "variable", name: first, nesting: "member" };
  }
  if (container === "enum" || container === "object") {
    const name = /^["']?([\p{L}_$][\p{L}\p{N}_$-]*)/u.exec(head)?.[1];
    return name === undefined ? undefined : { kind: "entry", name, nesting: "member" };
  }
  // `private final Map<String, Item> items = …;`, `items: Item[];`, `Name string`: the last word before what ends it.
  const declared = re(
    String.raw`^(?:[\p{L}\p{N}_$<>,.?*&\[\]: ]+[\s*&])?[*&]*(#?${NAME})\s*(?:\[[^\]]*\])?\s*[!?]?(?:[=;:,]|\{\s*(?:get|set|init)|=>|$)`,
  ).exec(head);
  const word = head.split(/[\s(]/)[0] ?? "";
  if (declared === null || CONTROL.test(word)) {
    return undefined;
  }
  const access = hasAccess(head);
  if (container === "class" || access) {
    const go = /^([\p{L}_]\w*)\s+[\w.*[\]]+(?:\s|$)/u.exec(head)?.[1];
    const name = /[=;:{,]|=>/.test(head) ? (declared[1] ?? "") : (go ?? declared[1] ?? "");
    return { kind: "variable", name, nesting: "member" };
  }
  if (family.kind === "other") {
    return undefined;
  }
  // Outside a class only with a type: `int count = 0;`.
  const typed = re(
    String.raw`^${NAME}[\p{L}\p{N}_$<>\[\]*&:,\s]*\s[*&]*(${NAME})\s*(?:\[[^\]]*\])?\s*(?:=(?!=)|;)`,
  ).exec(head)?.[1];
  return typed === undefined ? undefined : { kind: "variable", name: typed };
}

function cHead(head: string): Head | undefined {
  const macro = /^#\s*define\s+(\w+)/.exec(head)?.[1];
  if (macro !== undefined) {
    return { kind: "variable", name: macro, nesting: "top" };
  }
  if (head.startsWith("#")) {
    return STATEMENT;
  }
  const alias = /^typedef\b.*?(\w+)\s*(?:\[[^\]]*\])?\s*;\s*$/.exec(head)?.[1];
  if (alias !== undefined) {
    return { kind: "variable", name: alias, nesting: "top" };
  }
  // A declaration without a body is another one than the definition.
  const prototype =
    /^(?:[\w*&:<>,~]+\s+)+[*&]*(~?[\w:]+)\s*\(([^{}]*)\)\s*(?:const\s*|noexcept\s*|override\s*)*(?:=\s*(?:0|default|delete)\s*)?;$/.exec(
      head,
    );
  const word = head.split(/\s/)[0] ?? "";
  return prototype === null || CONTROL.test(word)
    ? undefined
    : { kind: "variable", name: `${prototype[1] ?? ""}()`, parameters: prototype[2] ?? "" };
}

function sqlHead(head: string): Head | undefined {
  const [, what = "", name] =
    /^create\s+(?:or\s+replace\s+)?(?:temp(?:orary)?\s+)?(?:unique\s+)?(table|view|function|procedure|index|trigger|type)\s+(?:if\s+not\s+exists\s+)?([\w."]+)/i.exec(
      head,
    ) ?? [];
  return name === undefined ? undefined : { kind: "function", name: `${what} ${name}`.toLowerCase() };
}

function pythonHead(head: string, text: string, container: Container): Head {
  if (/^(?:import|from)\s/.test(head)) {
    return { kind: "import", name: text.replaceAll(/\s+/g, " ").trim(), nesting: container === "file" ? "top" : "any" };
  }
  const [, word, name = ""] = re(String.raw`^(?:async )?(def|class) (${NAME})`).exec(head) ?? [];
  if (word === "class") {
    return { kind: "container", name };
  }
  if (word === "def") {
    const parameters = parametersOf(head.slice(head.indexOf(name)));
    const isMember = /^(?:self|cls)\b/.test(parameters);
    return { kind: "function", name, parameters, nesting: isMember ? "member" : "top" };
  }
  const assigned = re(String.raw`^(${NAME})\s*(?::[^=]+)?(?:=(?!=)|$)`).exec(head)?.[1];
  return assigned !== undefined && /[=:]/.test(head) && !CONTROL.test(assigned)
    ? { kind: "variable", name: assigned }
    : STATEMENT;
}

function cssHead(text: string): Head {
  if (/^@(?:import|use|forward|charset)\b/.test(text)) {
    return { kind: "import", name: text.replace(/;$/, ""), nesting: "top" };
  }
  const open = text.indexOf("{");
  const variable = /^([$@]?[\w-]+)\s*:(?!:)(?!\w+\s*[{,])/.exec(text)?.[1];
  if (variable !== undefined && (open === -1 || text.indexOf(";") < open) && !/^[&.#>+~*]/.test(text)) {
    return { kind: "entry", name: variable, nesting: /^[$@]/.test(variable) ? "any" : "member" };
  }
  const selector = (open === -1 ? text : text.slice(0, open))
    .trim()
    .replaceAll(/\s*([,>+~])\s*/g, "$1 ")
    .replaceAll(/\s+/g, " ");
  return open === -1 ? STATEMENT : { kind: "container", name: selector, nesting: "any" };
}

function jsonHead(text: string): Head {
  if (text.startsWith("{")) {
    return { kind: "container", name: "" };
  }
  const key = /^\s*"((?:[^"\\]|\\.)*)"\s*:/.exec(text)?.[1];
  return key === undefined ? STATEMENT : { kind: /:\s*\{/.test(text) ? "container" : "entry", name: key };
}

function keyHead(key: string | undefined, text: string): Head {
  return key === undefined || text.trim().startsWith("- ")
    ? STATEMENT
    : { kind: /:\s*(?:#.*)?$/.test(text.split("\n")[0] ?? "") ? "container" : "entry", name: key };
}

function tomlHead(text: string): Head {
  const table = /^\[\[?([^\]]+)\]\]?/.exec(text)?.[1];
  const key = /^([\w."-]+)\s*=/.exec(text)?.[1];
  return table !== undefined
    ? { kind: "container", name: table, nesting: "top" }
    : key === undefined
      ? STATEMENT
      : { kind: "entry", name: key };
}

/** A signature and the equations of a function are declarations of their own: `f :: Int -> Int`, `f x = x + 1`. */
function equationHead(text: string): Head {
  const flat = text.replaceAll(/\s+/g, " ").trim();
  if (/^(?:import|module|open|#)\b/.test(flat)) {
    return { kind: "import", name: flat, nesting: "top" };
  }
  const typed = /^((?:data|newtype|type|class|instance|module type)\b[^=|{]*?)\s*(?:=|where\b|\{|$)/.exec(flat)?.[1];
  if (typed !== undefined) {
    return { kind: "variable", name: typed };
  }
  const signature = /^([\p{Ll}_][\p{L}\p{N}_']*)\s*::?(?=\s)/u.exec(flat)?.[1];
  if (signature !== undefined) {
    return { kind: "variable", name: `${signature} ::` };
  }
  const [, name, parameters = ""] =
    /^(?:let\s+(?:rec\s+)?)?([\p{Ll}_][\p{L}\p{N}_']*)((?:\s[^=|]*?)?)\s*[=|]/u.exec(flat) ?? [];
  return name === undefined ? STATEMENT : { kind: "function", name, parameters: parameters.trim() };
}

/** A block behind words, as in configuration languages: `resource "aws_s3_bucket" "a" {`, `message A {`. */
function blockHead(text: string): Head | undefined {
  const name = /^([\p{L}_][\w.-]*(?:\s+(?:"[^"]*"|[^\s{}"();=]+))*)\s*=?\s*\{/u.exec(text)?.[1];
  return name === undefined || CONTROL.test(name.split(" ")[0] ?? "") ? undefined : { kind: "function", name };
}

function makeHead(text: string): Head {
  const variable = /^(?:export\s+|override\s+)?([\w.-]+)\s*(?:[:?!]|::)?=/.exec(text)?.[1];
  if (variable !== undefined) {
    return { kind: "entry", name: variable };
  }
  if (/^-?include\b/.test(text)) {
    return { kind: "import", name: text };
  }
  const target = /^([^\s:=#][^:=#]*?)\s*:{1,2}(?!=)/.exec(text)?.[1];
  return target === undefined ? STATEMENT : { kind: "function", name: target };
}

/** An image has one of each of these; of the others it may have many. */
function dockerHead(text: string): Head {
  const [, word = "", rest = ""] = /^([A-Za-z]+)\s+([\s\S]*)$/.exec(text) ?? [];
  const instruction = word.toUpperCase();
  if (instruction === "FROM") {
    return { kind: "entry", name: `FROM ${/\bas\s+(\S+)/i.exec(rest)?.[1] ?? ""}`.trim() };
  }
  if (["ENV", "ARG", "LABEL"].includes(instruction)) {
    return { kind: "entry", name: `${instruction} ${/^[\w.-]+/.exec(rest)?.[0] ?? ""}` };
  }
  return ["WORKDIR", "CMD", "ENTRYPOINT", "USER", "EXPOSE", "HEALTHCHECK", "STOPSIGNAL"].includes(instruction)
    ? { kind: "entry", name: instruction }
    : STATEMENT;
}

/** What stands in the first parentheses. */
function parametersOf(text: string): string {
  const open = text.indexOf("(");
  let depth = 0;
  for (let i = open; i !== -1 && i < text.length; ++i) {
    depth += text[i] === "(" ? 1 : text[i] === ")" ? -1 : 0;
    if (depth === 0) {
      return text.slice(open + 1, i).trim();
    }
  }
  return open === -1 ? "" : text.slice(open + 1).trim();
}

function hasAccess(head: string): boolean {
  return /^(?:(?:public|private|protected|internal|override|abstract)\s)/.test(head);
}

/** What the members of a declaration stand in. */
export function containerKind(head: string, { kind }: Pick<Declaration, "kind">, family: Family): Container {
  if (kind !== "container") {
    return "other";
  }
  if (family.kind === "json" || family.kind === "css" || family.kind === "yaml" || family.kind === "toml") {
    return "object";
  }
  if (/\benum\b/.test(head)) {
    return "enum";
  }
  return /\b(?:namespace|module|mod|describe|context|suite|package)\b/.test(head.split(/[{(]/)[0] ?? "")
    ? "file"
    : "class";
}
