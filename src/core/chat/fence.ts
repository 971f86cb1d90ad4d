/** Markdown's fences around code. */

/** A text inside a fence that nothing in it can close. `info` names its language. */
export function fenced(text: string, info = ""): string {
  let longest = 2;
  for (const [run] of text.matchAll(/`+/g)) {
    longest = Math.max(longest, run.length);
  }
  const fence = "`".repeat(longest + 1);
  const end = text === "" || text.endsWith("\n") ? "" : "\n";
  return `${fence}${info.replaceAll(/[^\w+#.-]/g, "")}\n${text}${end}${fence}`;
}

/** The same text, with the fence closed that is open at its end: what is written below it is then no code. */
export function withClosedFence(markdown: string): string {
  let open: string | undefined;
  for (const line of markdown.split("\n")) {
    const [, marks = "", rest = ""] = /^\s*(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
    if (marks === "") {
      continue;
    }
    if (open === undefined) {
      // What follows backticks on their line and has backticks itself is code within a line.
      open = marks.startsWith("`") && rest.includes("`") ? undefined : marks;
    } else if (marks.startsWith(open) && rest.trim() === "") {
      open = undefined;
    }
  }
  return open === undefined ? markdown : `${markdown}${markdown.endsWith("\n") ? "" : "\n"}${open}`;
}
