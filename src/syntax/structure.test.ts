import assert from "node:assert/strict";
import { describe, it } from "mocha";
import { type Mark, openList, readStructure, startOf } from "../core/syntax/structure";
import { bundledForTests } from "./testing/bundled";

const SIGNS: Readonly<Record<Mark["type"], string>> = { open: "+", close: "-", stray: "!", unclosed: "?" };

/** Of each line the marks, and behind the last `|` what is open at the end: `+(` opens, `-)` closes, `!)` is stray, `?"` was left open. */
async function marksOf(languageId: string, text: string): Promise<string> {
  const reader = await bundledForTests().load(languageId);
  const { lines, end } = readStructure(reader, text.split("\n"), startOf(reader));
  const told = lines.map(({ marks }) => marks.map((mark) => SIGNS[mark.type] + (mark.text || (mark.of?.text ?? ""))));
  return [...told, openList(end.open).map((open) => open.text)]
    .map((each) => each.join(" "))
    .join(" | ")
    .trim();
}

/** Language, text, marks. */
const CASES: readonly (readonly [languageId: string, text: string, marks: string])[] = [
  ["rust", 'r##"C:\\"#"##', '+r##" -"## |'],
  ["rust", 'f(r"C:\\") }', '+( +r" -" -) !} |'],
  ["rust", "fn f<'a>(x: Option<Vec<u8>>)", "+< -> +( +< +< -> -> -) |"],
  ["rust", "let c = '\\''; let d = '\"'; x", "+' -' +' -' |"],
  ["rust", 'println!("{} {{", a); a < b', '+( +" +{ -} -" -) |'],
  ["rust", '"multi\nline"', '+" | -" |'],
  ["python", 'f"a{d["k"]:>{w}}b"', '+f" +{ +[ +" -" -] +{ -} -} -" |'],
  ["python", "f'{a!r}{{b}}' + rb'x'", "+f' +{ -} -' +rb' -' |"],
  ["python", '"""doc (\nx"""\n[', '+""" | -""" | +[ | ['],
  ["python", "x = 'it\ny", "+' ?' |  |"],
  ["typescript", "`x${f(`y${1}`)}z`", "+` +${ +( +` +${ -} -` -) -} -` |"],
  ["typescript", 'r = /a[/)]b"/g; a < b; f<M<A>>(1) // "', "+/ -/ +< +< -> -> +( -) +// -// |"],
  ["typescript", "/** doc */ x = 'a\\'(' + `\n(", "+/** -*/ +' -' +` |  | `"],
  [
    "typescriptreact",
    "(<div a={d}><>{x && <B/>}</></div>)",
    "+( +< +{ -} -> +div +< -> + +{ +< -/> -} +</ -> -> +</ -> -> -) |",
  ],
  ["javascript", "f({ a: [1, 2 })", "+( +{ +[ ?[ -} -) |"],
  ["html", '<script>\nfoo(a, "x)");\n</script>', '+< -> +script | +( +" -" -) | +</ -> -> |'],
  ["html", '<p>it\'s (<br><b style="a: b">x</b></i>', '+< -> +p +< -> +< +" -" -> +b +</ -> -> +</ -> !> | p'],
  ["html", "<ul><li>a<li>b</ul> <!-- ( -->", "+< -> +ul +< -> +li +< -> +li +</ -> -li -li -> +<!-- ---> |"],
  [
    "vue",
    '<template>\n<a :b="f(x)">{{ g(c) }}</a>\n</template>',
    "+< -> +template | +< +( -) -> +a +{{ +( -) -}} +</ -> -> | +</ -> -> |",
  ],
  ["vue", '<script lang="ts">\nf({ a: 1 }\n</script>', '+< +" -" -> +script | +( +{ -} | +</ -> ?( -> |'],
  ["vue", "<template>\n<div\n/>\n<x-y/>\n</template>", "+< -> +template | +< | -> | +< -/> | +</ -> -> |"],
  ["csharp", "/// <summary>\n/// a (\nf(", "+/// |  | -/// +( | ("],
  ["shellscript", 'x="${2##"$D"}"; y=`f "$(g)"`; case a in\n*) z ;; esac', '+" +" -" -" +` +" +$( -) -" -` |  |'],
  ["python", 'f(r"""(?x) # a(\nb""")\nfr\'(?s:{r})\'', '+( +r""" | -""" -) | +fr\' +{ -} -\' |'],
  ["rust", "if a as u64 > b { x }", "+{ -} |"],
  ["clojure", "(f \\( \\\\ [\\]])", "+( +[ -] -) |"],
  ["scheme", "(f #\\( a)", "+( -) |"],
  ["racket", "(f #\\( a)", "+( -) |"],
  ["ocaml", "let f = g '(' [a]", "+[ -] |"],
  ["powershell", "f `( (a)", "+( -) |"],
  ["shellscript", "[ \\( -f a ] && (b)", "+[ -] +( -) |"],
  ["erlang", "A = [$(, 1].", "+[ -] |"],
  ["makefile", "a:\n\t@x 'b (' \"it's $(C)\" \\' # don't (\n\ty 'c", `| +' -' +" +( -) -" +# -# | +' ?' |`],
  ["makefile", "a:\n\tx '{ \\\n\t}' (\nb: # it's (\n\ty", "| +' | -' +( | +# -# |  | ("],
  ["markdown", "```c\nf({\n```\n`(a` [b", "| +( +{ | ?{ ?( |  |"],
  ["svelte", "<p on:click={() => f(a)}>{a}</p>", "+< +{ +( -) +( -) -} -> +p +{ -} +</ -> -> |"],
  ["markdown", 'it\'s (a\n```js\nf(a, "b")\n```\n```python\nx = [', '|  | +( +" -" -) |  |  | +[ | ['],
  ["csharp", '@"c:\\" + $"a{b}" + f<List<int>>(\'"\')', '+@" -" +$" +{ -} -" +< +< -> -> +( +\' -\' -) |'],
  ["java", 'List<Map<String, A>> x = f("""\n a "b"\n""");', '+< +< -> -> +( +""" |  | -""" -) |'],
  ["kotlin", '"a${f("x")} $b" + """raw "q" """', '+" +${ +( +" -" -) -} -" +""" -""" |'],
  ["scala", 's"a${f("b")}" + List[Int]()', '+" +${ +( +" -" -) -} -" +[ -] +( -) |'],
  ["swift", '"a\\(f("x"))" + #"raw " "#', '+" +\\( +( +" -" -) -) -" +#" -"# |'],
  ["go", "x := `a\n\"b` + 'c' // (", "+` | -` +' -' +// -// |"],
  ["c", 'char c = \'"\'; /* ( */ f("a\\"");', "+' -' +/* -*/ +( +\" -\" -) |"],
  [
    "cpp",
    'auto s = R"x(a" )" )x"; int f(std::map<A, B> x) { f<int>(1); }',
    '+R"x( -)x" +( +< -> -) +{ +< -> +( -) -} |',
  ],
  ["objective-c", 'f(@[@"b"]); // c', '+( +[ +@" -" -] -) +// -// |'],
  ["php", '<p><?php f("a {$b["c"]}");\n?></p>', '+< -> +p +( +" +" -" -" -) | +</ -> -> |'],
  ["ruby", '"a#{b("c")}" =~ /a"#{b}/i', '+" +#{ +( +" -" -) -} -" +/ +#{ -} -/ |'],
  ["ruby", '%w[a b] + <<~EOS\n a " #{c}\nEOS\n(', "+%w[ -] + | +#{ -} | - | +( | ("],
  ["shellscript", 'case "$x" in\n  a) echo "$(ls "$y")" ;;\n  b|c) f ;;\nesac', '+" -" | +" +$( +" -" -) -" |  |  |'],
  ["shellscript", 'cat <<EOF\nhi "\nEOF\n(a', "+ |  | - | +( | ("],
  ["perl", '"a $b{c}" =~ m/a"/; qw(a b); # d', '+" -" +m/ -/ +qw( -) +# -# |'],
  ["lua", "--[[ b (\nc ]] x = [==[ a ]] ]==] .. 'd' -- (", "+--[[ | -]] +[==[ -]==] +' -' +-- --- |"],
  ["haskell", "foldl' (+) 0 xs -- x'\n{- b -} ['c']", "+( -) +-- --- | +{- --} +[ +' -' -] |"],
  ["clojure", '(f [x] "a") ; c', '+( +[ -] +" -" -) +; -; |'],
  ["css", 'a { b: url("x"); /* c */', '+{ +( +" -" -) +/* -*/ | {'],
  ["scss", ".a { &:hover { w: calc(1px + #{$b}); } // c", "+{ +{ +( +#{ -} -) -} +// -// | {"],
  ["json", '{"a": [1, "b]"]}', '+{ +" -" +[ +" -" -] -} |'],
  ["sql", "select 'a''b' -- (\n/* ( */", "+' -' +' -' +-- --- | +/* -*/ |"],
  ["dart", "'a${f('x')}' // (", "+' +{ +( +' -' -) -} -' +// -// |"],
  ["julia", '"a$(f("b"))" # (\n#= ( =#', '+" +( +( +" -" -) -) -" +# -# | +#= -=# |'],
  ["powershell", '"a $($b.c("d"))" <# ( #> @"\nhi "\n"@', '+" +( +( +" -" -) -) -" +<# -#> +@" |  | -" |'],
  ["r", 'f("a") # (', '+( +" -" -) +# -# |'],
  ["elixir", '"a (" # (\n"""\n(\n"""', '+" -" +# -# | +""" |  | -""" |'],
  ["toml", "a = '''x\n'(\n''' # d", "+''' |  | -''' +# -# |"],
  ["yaml", 'a: it\'s # (\nb: "c"', '+# -# | +" -" |'],
  ["latex", "\\frac{a}{b $x$ % (", "+{ -} +{ +% -% | {"],
  ["xml", '<a b="c"><d/><!-- ( --></a>', '+< +" -" -> +a +< -/> +<!-- ---> +</ -> -> |'],
  ["nix", "x = \"a${b \"c\"}\"; y = ''d ${e}'';", "+\" +${ +\" -\" -} -\" +'' +${ -} -'' |"],
  ["zig", 'f("b"); // (', '+( +" -" -) +// -// |'],
  ["groovy", '"a${f("b")}" // (', '+" +${ +( -) -} -" +// -// |'],
];

describe("structure", () => {
  for (const [languageId, text, marks] of CASES) {
    it(`${languageId}: ${JSON.stringify(text)}`, async () => {
      assert.equal(await marksOf(languageId, text), marks);
    });
  }
});
