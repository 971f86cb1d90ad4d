/** A cursor whose line is known to its end. */
export interface LayoutCase {
  readonly path: string;
  /** Without the middle. */
  readonly text: string;
  /** UTF-16 units before the cursor. */
  readonly offset: number;
  /** The rest of the cursor's line with its line feed. */
  readonly middle: string;
}

/**
 * What a self-test asks (layoutTest.ts): the ends of lines as people write them, half of them told by what is below, half by what is
 * above alone. Written for this, so that no model has been trained on them. `«` and `»` stand around the middle. In any layout a
 * prompt is at most 64 tokens, those of a chat template's own introduction aside.
 */
const TEXTS: readonly (readonly [path: string, text: string])[] = [
  [
    "fares.ts",
    "const zone = readZone(code);\nconst price = prices[zone];\nif (price === undefined) {\n  «throw new Error(`no price for ${zone}`);»\n}\n",
  ],
  [
    "tally.py",
    "def tally(votes):\n    total = 0\n    for vote in votes:\n        «total += vote.weight»\n    return total\n",
  ],
  ["lamp.go", "type Lamp struct {\n\ton bool\n}\n\nfunc (l *Lamp) Toggle() {\n\tl.on = «!l.on»\n}\n"],
  [
    "crate.rs",
    "struct Crate {\n    items: Vec<Item>,\n}\n\nimpl Crate {\n    fn count(&self) -> usize {\n        «self.items.len()»\n    }\n",
  ],
  ["Kiln.java", "class Kiln {\n    private int degrees;\n\n    void heat(int by) {\n        «degrees += by;»\n    }\n"],
  [
    "queue.cc",
    "bool Queue::Empty() const {\n  return size_ == 0;\n}\n\nbool Queue::Full() const {\n  return «size_ == capacity_;»\n}\n",
  ],
  ["tides.js", "const tides = await readTides(port);\n\nfor (const tide of «tides) {»\n  console.log(tide.height);\n"],
  ["menu.css", ".menu {\n  margin: 0;\n  padding: 8px;\n}\n\n.menu li {\n  «margin: 4px;»\n}\n"],
  ["ferry.json", '{\n  "name": "ferry",\n  "cars": 120,\n  "decks": «3,»\n  "open": true\n'],
  ["backup.sh", '#!/bin/sh\nset -e\ntarget=/mnt/spare\nmkdir -p «"$target"»\ncp notes.txt "$target"\n'],
  ["loans.sql", "SELECT reader, title, «due»\nFROM loans\nWHERE due < now();\n"],
  [
    "deploy.yml",
    "steps:\n  - name: install\n    run: npm ci\n  - name: test\n    run: «npm test»\n  - name: publish\n",
  ],
  ["orchard.ts", 'import { Soil } from "./soil";\nimport { Tree } from «"./tree";»\n\nexport class Orchard {\n'],
  [
    "signal.py",
    "import logging\n\n\ndef signal(port):\n    try:\n        return open(port)\n    except «OSError:»\n        return None\n",
  ],
  ["stall.rb", "class Stall\n  def initialize(name)\n    @name = name\n  end\n\n  def to_s\n    «@name»\n  end\n"],
  [
    "well.c",
    '#include <stdio.h>\n\nint main(void) {\n  int depth = measure();\n  «printf("%d\\n", depth);»\n  return 0;\n',
  ],
  ["badge.html", "<ul>\n  <li>one</li>\n  <li>two</li>\n  <li>«three</li>»\n</ul>\n"],
  [
    "Route.kt",
    "class Route(val stops: List<Stop>) {\n    fun length(): Int {\n        return «stops.sumOf { it.distance }»\n    }\n",
  ],
  [
    "loom.test.ts",
    'it("counts threads", () => {\n  const loom = new Loom(4);\n  «assert.equal(loom.threads, 4);»\n});\n',
  ],
  ["mill.go", "rows, err := db.Query(text)\nif err != nil {\n\treturn nil, «err»\n}\ndefer rows.Close()\n"],
];

export const LAYOUT_CASES: readonly LayoutCase[] = TEXTS.map(([path, marked]) => {
  const offset = marked.indexOf("«");
  const end = marked.indexOf("»");
  const middle = marked.slice(offset + 1, end);
  return { path, text: marked.slice(0, offset) + marked.slice(end + 1), offset, middle: `${middle}\n` };
});
