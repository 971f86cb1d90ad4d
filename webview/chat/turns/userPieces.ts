export type UserPiece =
  | { readonly kind: "text"; readonly text: string }
  | { readonly kind: "code"; readonly text: string; readonly language: string };

/**
 * A user's message as it was typed, with its fenced code apart (CommonMark, 4.5). Nothing else in it is Markdown: who writes
 * `a * b * c` means that.
 */
export function userPieces(message: string): readonly UserPiece[] {
  const pieces: UserPiece[] = [];
  let text: string[] = [];
  let code: { readonly fence: string; readonly language: string; readonly lines: string[] } | undefined;
  const endText = (): void => {
    const joined = text.join("\n").replace(/^(?:[ \t]*\n)+|\s+$/g, "");
    if (joined !== "") {
      pieces.push({ kind: "text", text: joined });
    }
    text = [];
  };
  for (const line of message.split(/\r\n?|\n/)) {
    const [, fence = "", info = ""] = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(line) ?? [];
    if (code !== undefined) {
      if (fence.startsWith(code.fence) && info.trim() === "") {
        pieces.push({ kind: "code", text: code.lines.join("\n"), language: code.language });
        code = undefined;
      } else {
        code.lines.push(line);
      }
    } else if (fence !== "" && !(fence.startsWith("`") && info.includes("`"))) {
      endText();
      code = { fence, language: info.trim().split(/\s+/)[0] ?? "", lines: [] };
    } else {
      text.push(line);
    }
  }
  endText();
  // A fence that nobody closed goes on to the end.
  return code === undefined
    ? pieces
    : [...pieces, { kind: "code", text: code.lines.join("\n"), language: code.language }];
}
