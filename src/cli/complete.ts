import { readFile } from "node:fs/promises";
import { isAbsolute, relative, sep } from "node:path";
import { completeAt } from "../core/completion";
import type { TextEngine } from "../core/ports";
import type { CursorContext } from "../core/promptLayout";
import { EngineError } from "../protocol/errors";
import { type Arguments, flagOption, samplerOptions, usageError, wholeOption } from "./options";
import { modelPath, openEngine, printJson } from "./session";

export const completeOptions = { "max-tokens": { type: "string" } } as const;

/** `hearth complete FILE:LINE:COLUMN`: prints what an editor would insert there. */
export async function complete(args: Arguments): Promise<void> {
  const place = parsePlace(args.positionals);
  const maxTokens = wholeOption(args, "max-tokens", 1, 4096) ?? 64;
  const { cursor, crlf } = await cursorAt(place);
  const engine = await openEngine(args, modelPath(args));
  try {
    const session = engine.newSession();
    const sampler = samplerOptions(args, { temperature: 0, topK: 0, topP: 1 });
    const started = performance.now();
    let firstTextMs: number | undefined;
    const textEngine: TextEngine = {
      async *generate(prompt, request) {
        const pieces = session.generate(prompt, { ...request, sampler });
        let step = await pieces.next();
        while (step.done !== true) {
          firstTextMs ??= performance.now() - started;
          yield step.value;
          step = await pieces.next();
        }
        report = step.value;
        return step.value;
      },
    };
    let report: Awaited<ReturnType<Awaited<ReturnType<typeof session.generate>>["next"]>>["value"] | undefined;
    const { model } = engine;
    const traits = { fimLayouts: model.fim.layouts, fileHeader: model.fileHeader };
    const outcome = await completeAt(cursor, traits, textEngine, { maxTokens });
    const text = outcome.kind === "text" ? (crlf ? outcome.text.replaceAll("\n", "\r\n") : outcome.text) : "";
    if (flagOption(args, "json")) {
      printJson({
        text,
        ...(outcome.kind === "none" ? { reason: outcome.reason } : {}),
        model: model.name,
        layout: traits.fimLayouts[0] ?? "continuation",
        ...(typeof report === "object"
          ? {
              finish: report.finish,
              prompt_tokens: report.promptTokens,
              generated_tokens: report.generatedTokens,
              prefill_ms: report.prefillMs,
              decode_ms: report.decodeMs,
            }
          : {}),
        first_text_ms: firstTextMs ?? null,
      });
    } else {
      process.stdout.write(text === "" ? "" : `${text}\n`);
      if (outcome.kind === "none") {
        process.stderr.write("hearth: the model has nothing to suggest here\n");
      }
    }
  } finally {
    engine.close();
  }
}

interface Place {
  readonly file: string;
  /** 1-based, as editors count. */
  readonly line: number;
  /** 1-based UTF-16 units, as editors count. */
  readonly column: number;
}

function parsePlace(positionals: readonly string[]): Place {
  const [given] = positionals;
  const match = /^(.+):(\d+):(\d+)$/s.exec(given ?? "");
  if (positionals.length !== 1 || match === null) {
    throw usageError("complete takes one place, FILE:LINE:COLUMN, both counted from 1");
  }
  return { file: match[1] ?? "", line: Number(match[2]), column: Number(match[3]) };
}

/** The document as the model sees it: line feeds only, no byte order mark. */
async function cursorAt({ file, line, column }: Place): Promise<{ cursor: CursorContext; crlf: boolean }> {
  const raw = await readDocument(file);
  const crlf = raw.includes("\r\n");
  const text = raw.replace(/^\uFEFF/, "").replaceAll("\r\n", "\n");
  const lines = text.split("\n");
  const current = lines[line - 1];
  const problem = (what: string): EngineError =>
    new EngineError("bad_request", `cannot complete at ${file}:${String(line)}:${String(column)}: ${what}`);
  if (current === undefined) {
    throw problem(`the file has ${String(lines.length)} lines, counted from 1`);
  }
  if (column < 1 || column > current.length + 1) {
    throw problem(`that line has columns 1 to ${String(current.length + 1)}`);
  }
  const before = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  return { cursor: { path: promptPath(file), text, offset: before + column - 1 }, crlf };
}

async function readDocument(file: string): Promise<string> {
  try {
    const bytes = await readFile(file);
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (error) {
    const code = error instanceof Error && "code" in error ? error.code : undefined;
    const why =
      code === "ENOENT"
        ? "no such file"
        : code === "EISDIR"
          ? "it is a folder"
          : error instanceof TypeError
            ? "it is not UTF-8 text"
            : error instanceof Error
              ? error.message
              : String(error);
    throw new EngineError("bad_request", `cannot complete in '${file}': ${why}`, { cause: error });
  }
}

/** Relative to here where it lies below, with forward slashes; never a path of the machine. */
function promptPath(file: string): string {
  const path = isAbsolute(file) ? relative(process.cwd(), file) : file;
  const parts = path.split(sep).filter((part) => part !== "" && part !== ".");
  return parts.includes("..") ? (parts[parts.length - 1] ?? "") : parts.join("/");
}
