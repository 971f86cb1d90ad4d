import { Completer } from "../core/completion";
import type { CompletionRequest } from "../core/completionRequest";
import { EVERYTHING } from "../core/gate";
import { detectIndentation } from "../core/indentation";
import { languageIdOfPath } from "../core/language";
import type { TextEngine, TokenCounter } from "../core/ports";
import { budgetFor } from "../core/promptWindow";
import { SKIP_REASONS } from "../core/skipReasons";
import { terminalText } from "../core/visibleText";
import { storedTraits } from "../engine/server/modelLayout";
import { EngineError } from "../protocol/errors";
import type { GenerateReport } from "../protocol/generation";
import { SYSTEM_CLOCK } from "../systemClock";
import { indentationOfFile } from "./configuredIndentation";
import { readUtf8 } from "./documents";
import { completeWith, type GivenOutcome } from "./givenAnswer";
import { type Arguments, flagOption, samplerOptions, textOption, usageError, wholeOption } from "./options";
import { promptPath } from "./promptPath";
import { syntaxOf } from "./syntax";
import { VirtualClock } from "./virtualClock";
import { headSentence, modelPath, openEngine, printJson } from "./session";

export const completeOptions = {
  "max-tokens": { type: "string" },
  answer: { type: "string" },
  language: { type: "string" },
  trigger: { type: "string" },
  "tab-size": { type: "string" },
  "insert-spaces": { type: "boolean" },
  tabs: { type: "boolean" },
} as const;

/**
 * `hearth complete FILE:LINE:COLUMN`: prints what an editor would insert there; with `--answer`, if a model said that.
 */
export async function complete(args: Arguments): Promise<void> {
  const place = parsePlace(args.positionals);
  const maxTokens = wholeOption(args, "max-tokens", 1, 4096) ?? 64;
  const request = requestOf(args, await requestAt(place));
  const answer = textOption(args, "answer");
  if (answer !== undefined) {
    printGiven(args, await completeWith(request, answer), await readUtf8(place.file, "complete in"));
    return;
  }
  const engine = await openEngine(args, modelPath(args));
  try {
    const session = engine.newSession();
    const sampler = samplerOptions(args, { temperature: 0, topK: 0, topP: 1 });
    const started = performance.now();
    let firstTextMs: number | undefined;
    const textEngine: TextEngine = {
      async *generate(_documentId, prompt, request) {
        const pieces = session.generate(prompt, { ...request, sampler }, { heal: true });
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
    let report: GenerateReport | undefined;
    const { model } = engine;
    const traits = await storedTraits(engine);
    const options = {
      oneLineTokens: maxTokens,
      blockTokens: maxTokens,
      blockWaitMs: { automatic: 0, manual: Infinity },
      budget: budgetFor(engine.info.plan.contextTokens, maxTokens),
      jointMin: EVERYTHING,
    };
    const tokens: TokenCounter = { count: (text) => engine.tokenizer.encodeText(text).length };
    // In no hurry: the document is read down to the cursor, however long it is.
    const syntax = await syntaxOf([request.languageId], new VirtualClock());
    const completer = new Completer({ engine: textEngine, clock: SYSTEM_CLOCK, tokens, syntax }, traits, options);
    const outcome = await completer.complete(request);
    if (outcome.kind === "none" && outcome.error !== undefined) {
      throw outcome.error instanceof Error ? outcome.error : new Error("completion failed", { cause: outcome.error });
    }
    const text = outcome.kind === "text" ? outcome.text : "";
    const head = engine.approximateHead;
    if (flagOption(args, "json")) {
      printJson({
        text,
        ...(outcome.kind === "text" ? { replace_after: outcome.replaceAfter } : {}),
        ...(outcome.kind === "none" ? { reason: outcome.reason } : {}),
        model: model.name,
        layout: traits.fimLayouts[0] ?? traits.plain ?? "continuation",
        ...(report === undefined ? {} : reportJson(report)),
        first_text_ms: firstTextMs ?? null,
        ...(head === undefined ? {} : { approximate_head: head }),
      });
    } else {
      process.stdout.write(text === "" ? "" : terminalText(`${text}\n`));
      if (outcome.kind === "none") {
        process.stderr.write(`hearth: ${SKIP_REASONS[outcome.reason].sentence}\n`);
      }
      if (head !== undefined) {
        process.stderr.write(`hearth: ${headSentence(head)}\n`);
      }
    }
  } finally {
    engine.close();
  }
}

function reportJson(report: GenerateReport): object {
  return {
    finish: report.finish,
    prompt_tokens: report.promptTokens,
    generated_tokens: report.generatedTokens,
    prefill_ms: report.prefillMs,
    decode_ms: report.decodeMs,
  };
}

/** As the command line says where it says so. */
function requestOf(args: Arguments, request: CompletionRequest): CompletionRequest {
  const trigger = textOption(args, "trigger") ?? request.trigger;
  const [tabs, spaces] = [flagOption(args, "tabs"), flagOption(args, "insert-spaces")];
  if (trigger !== "automatic" && trigger !== "manual") {
    throw usageError(`--trigger must be automatic or manual, not '${trigger}'`);
  }
  if (tabs && spaces) {
    throw usageError("--tabs and --insert-spaces exclude each other");
  }
  const { style, size } = request.indentation;
  return {
    ...request,
    languageId: textOption(args, "language") ?? request.languageId,
    trigger,
    indentation: {
      style: tabs ? "tabs" : spaces ? "spaces" : style,
      size: wholeOption(args, "tab-size", 1, 64) ?? size,
    },
  };
}

/** @param file as it is, with its byte order mark. */
function printGiven(args: Arguments, outcome: GivenOutcome, file: string): void {
  if (flagOption(args, "json")) {
    const mark = file.startsWith("\uFEFF") ? "\uFEFF" : "";
    printJson({ ...outcome, document: mark + outcome.document });
    return;
  }
  process.stdout.write(outcome.shown ? terminalText(`${outcome.text}\n`) : "");
  if (!outcome.shown) {
    process.stderr.write(`hearth: ${SKIP_REASONS[outcome.reason].sentence}\n`);
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

/** The document as an editor would have it: without a byte order mark, with its own line ends. */
async function requestAt({ file, line, column }: Place): Promise<CompletionRequest> {
  const text = (await readUtf8(file, "complete in")).replace(/^\uFEFF/, "");
  const lines = text.split("\n");
  const current = lines[line - 1]?.replace(/\r$/, "");
  const problem = (what: string): EngineError =>
    new EngineError("bad_request", `cannot complete at ${file}:${String(line)}:${String(column)}: ${what}`);
  if (current === undefined) {
    throw problem(`the file has ${String(lines.length)} lines, counted from 1`);
  }
  if (column < 1 || column > current.length + 1) {
    throw problem(`that line has columns 1 to ${String(current.length + 1)}`);
  }
  const before = lines.slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0);
  const path = promptPath(file);
  // No editor's cursor stands between the halves of a character.
  const isInside =
    /[\uD800-\uDBFF]$/.test(current.slice(0, column - 1)) && /^[\uDC00-\uDFFF]/.test(current.slice(column - 1));
  return {
    documentId: file,
    path,
    languageId: languageIdOfPath(path),
    text,
    offset: before + column - 1 - (isInside ? 1 : 0),
    indentation: await indentationOfFile(file, text, detectIndentation(text, true)),
    // As a manual request, so that nothing is suppressed.
    trigger: "manual",
  };
}
