import { mayStandIn } from "./answer/fenceInfo";

const COMMANDS =
  /^(?:\$ |% |> )?(?:sudo\s+)?(?:npm|npx|pnpm|yarn|bun|bunx|pip3?|pipx|uv|poetry|conda|brew|apt(?:-get)?|dnf|yum|apk|cargo|rustup|go (?:get|run|mod|build|test|install)|git|docker(?:-compose)?|kubectl|helm|terraform|make|cmake|mvn|gradle|\.\/gradlew|\.\/\w+|dotnet|composer|gem|bundle|rails|php artisan|python3? -m|python3? \S+\.py|node \S+\.m?js|deno|cd|mkdir|touch|rm|cp|mv|curl|wget|chmod|export \w+=|source|echo "?[\w ]*"? ?>|code)(?:\s|$)/;

/** The language of code that is none of the file's: by what its fence says, else by what it looks like; "" where it may be. */
export function foreignLanguage(code: readonly string[], language: string, fileLanguageId: string): string {
  if (language !== "") {
    return mayStandIn(language, fileLanguageId) || language === "diff" ? "" : language;
  }
  const lines = code.map((line) => line.trim()).filter((line) => line !== "");
  const isShellFile = [
    "shellscript",
    "makefile",
    "dockerfile",
    "powershell",
    "bat",
    "markdown",
    "yaml",
    "plaintext",
    "fish",
    "zsh",
    "",
  ].includes(fileLanguageId);
  const isTranscript = /^(?:\$|>|PS [A-Z]:[^>]*>) \S/.test(lines[0] ?? "") && fileLanguageId !== "php";
  if (!isShellFile && isTranscript) {
    return "shellscript";
  }
  if (
    !isShellFile &&
    lines.length > 0 &&
    lines.every((line) => COMMANDS.test(line) || /^#(?!include|define)/.test(line)) &&
    lines.some((line) => COMMANDS.test(line))
  ) {
    return "shellscript";
  }
  const text = lines.join("\n");
  const takesJson = ["json", "jsonc", "json5", "yaml", "markdown", "plaintext", ""].includes(fileLanguageId);
  return !takesJson && /^[{[]/.test(text) && isJson(text) ? "json" : "";
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
