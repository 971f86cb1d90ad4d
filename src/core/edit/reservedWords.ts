import { familyOf } from "./outline/families";

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/));

/** Reserved in nearly every language with braces, and never a good name elsewhere. */
const COMMON = words(
  "break case catch class const continue default delete do else enum export extends false finally for function if import in instanceof new null return static super switch this throw true try typeof var void while with yield",
);
/** From the grammars of the languages. */
const BY_FAMILY: Readonly<Record<string, ReadonlySet<string>>> = {
  script: words(
    "arguments as async await debugger eval implements interface let package private protected public undefined",
  ),
  java: words(
    "abstract assert boolean byte char double final float goto implements int interface long native package private protected public short strictfp synchronized throws transient volatile record sealed",
  ),
  csharp: words(
    "abstract as base bool byte char checked decimal delegate double event explicit extern fixed float foreach goto implicit int interface internal is lock long namespace object operator out override params private protected public readonly ref sbyte sealed short sizeof stackalloc string struct uint ulong unchecked unsafe ushort using virtual volatile",
  ),
  c: words(
    "auto bool char double extern float goto inline int long register restrict short signed sizeof struct typedef union unsigned volatile and and_eq asm bitand bitor class compl concept const_cast constexpr decltype dynamic_cast explicit friend mutable namespace noexcept not nullptr operator or private protected public template typeid typename using virtual xor",
  ),
  go: words(
    "break case chan const continue default defer else fallthrough for func go goto if import interface map package range return select struct switch type var nil true false",
  ),
  rust: words(
    "as async await crate dyn fn impl let loop match mod move mut pub ref self Self struct trait type unsafe use where abstract become box final macro override priv try unsized virtual",
  ),
  kotlin: words(
    "as fun interface is object package typealias val when let struct protocol extension guard defer func init self nil where def trait given match type",
  ),
  php: words(
    "abstract and array as callable clone declare echo elseif empty endfor endforeach endif endwhile eval exit extends fn foreach global goto implements include insteadof interface isset list match namespace or print private protected public readonly require trait unset use xor",
  ),
  python: words(
    "False None True and as assert async await break class continue def del elif else except finally for from global if import in is lambda nonlocal not or pass raise return try while with yield self cls print",
  ),
  ruby: words(
    "alias and begin BEGIN break case class def defined do else elsif end END ensure false for if in module next nil not or redo rescue retry return self super then true undef unless until when while yield local function repeat",
  ),
  shell: words("case do done elif else esac fi for function if in select then until while time my our local sub"),
  sql: words(
    "select from where insert update delete create table drop alter index view join group order by having union and or not null primary key foreign references",
  ),
};

/** Whether a language keeps a word for itself. */
export function isReserved(word: string, languageId: string): boolean {
  const { kind } = familyOf(languageId);
  const isOwn = BY_FAMILY[kind]?.has(word) === true;
  return kind === "python" || kind === "go" || kind === "sql"
    ? isOwn || isCommonClash(word)
    : isOwn || COMMON.has(word);
}

/** Also there they would only confuse. */
function isCommonClash(word: string): boolean {
  return /^(?:class|function|return|import|null|true|false|if|else|for|while)$/.test(word);
}
