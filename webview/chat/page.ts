/** What the page of the chat view needs to know of the webview that it is for. */
export interface ChatPageOptions {
  /** Random, and another one each time. */
  readonly nonce: string;
  /** What VS Code calls the place of the extension's own files: `webview.cspSource`. */
  readonly cspSource: string;
  /** Addresses of dist/chat.js and dist/chat.css as the webview sees them: `webview.asWebviewUri`. */
  readonly script: string;
  readonly style: string;
}

/**
 * The page of the chat view. Nothing is allowed in it but our own script, style sheet and font: no network, no image,
 * no frame, no form, no style or script written in the page.
 */
export function chatPage({ nonce, cspSource, script, style }: ChatPageOptions): string {
  const policy = [
    "default-src 'none'",
    `style-src ${cspSource}`,
    `font-src ${cspSource}`,
    `script-src 'nonce-${nonce}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta http-equiv="Content-Security-Policy" content="${escaped(policy)}" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>Hearth Chat</title>
    <link rel="stylesheet" href="${escaped(style)}" />
  </head>
  <body>
    <hearth-chat></hearth-chat>
    <script nonce="${escaped(nonce)}" src="${escaped(script)}"></script>
  </body>
</html>
`;
}

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function escaped(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => ESCAPES[character] ?? character);
}
