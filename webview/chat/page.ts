import messages from "./messages.json" with { type: "json" };
import { type Texts, TEXTS_ID, translator } from "./texts";

/** What the page of the chat view needs to know of the webview that it is for. */
export interface ChatPageOptions {
  /** Random, and another one each time. */
  readonly nonce: string;
  /** What VS Code calls the place of the extension's own files: `webview.cspSource`. */
  readonly cspSource: string;
  /** Addresses of dist/chat.js and dist/chat.css as the webview sees them: `webview.asWebviewUri`. */
  readonly script: string;
  readonly style: string;
  /** Missing: the page is in English. */
  readonly translation?: Translation;
}

export interface Translation {
  /** The editor's display language (BCP 47): `vscode.env.language`. */
  readonly language: string;
  /** The extension's messages in it, by their English text: `vscode.l10n.bundle`. The page gets those that it may show. */
  readonly texts: Texts;
}

/**
 * The page of the chat view. Nothing is allowed in it but our own script, style sheet and font: no network, no image,
 * no frame, no form, no style or script written in the page. The translations are a data block, which no browser executes.
 */
export function chatPage({ nonce, cspSource, script, style, translation }: ChatPageOptions): string {
  const t = translator(translation?.texts ?? {});
  const policy = [
    "default-src 'none'",
    `style-src ${cspSource}`,
    `font-src ${cspSource}`,
    `script-src 'nonce-${nonce}'`,
    "base-uri 'none'",
    "form-action 'none'",
  ].join("; ");
  return `<!doctype html>
<html lang="${escaped(translation?.language ?? "en")}">
  <head>
    <meta charset="utf-8" />
    <meta http-equiv="Content-Security-Policy" content="${escaped(policy)}" />
    <meta name="viewport" content="width=device-width, initial-scale=1" />
    <title>${escaped(t("Hearth Chat"))}</title>
    <link rel="stylesheet" href="${escaped(style)}" />
  </head>
  <body>
    <hearth-chat></hearth-chat>${translation === undefined ? "" : dataBlock(translation.texts)}
    <script nonce="${escaped(nonce)}" src="${escaped(script)}"></script>
  </body>
</html>
`;
}

/** Without `<` there is nothing in it that could end it, or begin a comment in it (HTML, "script data state"). */
function dataBlock(texts: Texts): string {
  const shown = Object.fromEntries(
    messages.flatMap((message) => (message in texts ? [[message, texts[message]]] : [])),
  );
  const json = JSON.stringify(shown).replaceAll("<", "\\u003c");
  return `\n    <script type="application/json" id="${TEXTS_ID}">${json}</script>`;
}

const ESCAPES: Readonly<Record<string, string>> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" };

function escaped(text: string): string {
  return text.replaceAll(/[&<>"]/g, (character) => ESCAPES[character] ?? character);
}
