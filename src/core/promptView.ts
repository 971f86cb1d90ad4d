import type { GeneratedToken, GenerateReport, GenerateRequest } from "../protocol/generation";
import { answerTable, type TokenisedAnswer } from "./answerTable";
import { stopStrings } from "./blockRules";
import type { CompletionPosition } from "./completionRequest";
import { WATCHED } from "./judgedText";
import type { Clock, TextEngine } from "./ports";
import { flatten, type PromptSection } from "./promptLayout";

/** A prompt at a cursor, and what the model says after it. */
export interface ExplainedPrompt {
  readonly path: string;
  readonly sections: readonly PromptSection[];
  readonly answer: TokenisedAnswer;
  /** Undefined where nothing was asked: the prompt is empty. */
  readonly report: GenerateReport | undefined;
  /** Milliseconds until the prompt was laid out, and from asking the engine to its last word. */
  readonly layoutMs: number;
  readonly engineMs: number;
}

const TITLES: Readonly<Record<PromptSection["name"], string>> = {
  others: "other files",
  definitions: "definitions of what is used near the cursor",
  header: "the document's path",
  suffix: "below the cursor",
  prefix: "above the cursor, to the cursor",
  middle: "what asks for the text between",
};

/** Asks the model what it says after a prompt, token by token. Rejects with an EngineError. */
export async function explainedPrompt(
  engine: TextEngine,
  clock: Clock,
  { documentId, path }: Pick<CompletionPosition, "documentId" | "path">,
  { sections, layoutMs }: Pick<ExplainedPrompt, "sections" | "layoutMs">,
  limits: Pick<GenerateRequest, "maxTokens" | "memoryAt">,
): Promise<ExplainedPrompt> {
  const answer = { text: "", tokens: [] as GeneratedToken[] };
  const explained = { path, sections, answer, layoutMs };
  if (sections.length === 0) {
    return { ...explained, report: undefined, engineMs: 0 };
  }
  const startedMs = clock.nowMs();
  const pieces = engine.generate(
    documentId,
    sections.flatMap(({ parts }) => parts),
    { priority: "completion", ...limits, stop: stopStrings("line"), logprobs: true, watched: WATCHED },
  );
  let step = await pieces.next();
  while (step.done !== true) {
    answer.text += step.value.text;
    answer.tokens.push(...(step.value.tokens ?? []));
    step = await pieces.next();
  }
  return { ...explained, report: step.value, engineMs: clock.nowMs() - startedMs };
}

/** For people: where each part of a prompt is from and what it cost, the prompt as it is, and the answer, a token a line. */
export function promptView({ path, sections, answer, report, layoutMs, engineMs }: ExplainedPrompt): string {
  const rule = (title: string): string => `════ ${title} ════`;
  const parts = sections.flatMap(({ name, parts: own }) => {
    const text = flatten(own);
    return [rule(`${TITLES[name]}: ${String(text.length)} characters`), text];
  });
  return [
    rule(`The prompt at the cursor in ${path}`),
    ...costLines(report, layoutMs, engineMs),
    "",
    ...(parts.length === 0 ? ["It is empty: there is nothing to go on from."] : parts),
    rule("Up to here: the prompt. What the model says after it, and how likely it finds that:"),
    "",
    report === undefined ? "" : answerTable(answer),
  ].join("\n");
}

function costLines(report: GenerateReport | undefined, layoutMs: number, engineMs: number): readonly string[] {
  if (report === undefined) {
    return [];
  }
  const { promptTokens, reusedTokens, generatedTokens, prefillMs, decodeMs } = report;
  const stages: readonly (readonly [string, number])[] = [
    ["laid out", layoutMs],
    ["waited for the engine", Math.max(0, engineMs - prefillMs - decodeMs)],
    ["prompt evaluated", prefillMs],
    ["answer generated", decodeMs],
  ];
  return [
    `${String(promptTokens)} tokens: ${String(reusedTokens)} reused, ${String(promptTokens - reusedTokens)} evaluated; ` +
      `${String(generatedTokens)} generated`,
    `milliseconds: ${stages.map(([name, ms]) => `${name} ${ms.toFixed(0)}`).join(", ")}`,
  ];
}
