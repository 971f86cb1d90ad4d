import { promptAt } from "../../src/cli/eval/cursors";
import type { CursorCase, CursorWorkspace } from "../../src/cli/eval/cursorFile";
import { localSubject, RememberedCode } from "../../src/cli/eval/localSubject";
import type { Subject } from "../../src/cli/eval/subject";
import { CONTEXT_TOKENS_MAX } from "../../src/engine/local/codeMemory";
import type { LocalEngine } from "../../src/engine/local/localEngine";
import type { LocalSession } from "../../src/engine/local/localSession";
import type { CodeSource } from "../../src/engine/local/native";
import { healPrompt } from "../../src/engine/local/tokenHealing";
import { promptTraitsOf } from "../../src/model/ggufFile";
import type { Tokenizer } from "../../src/model/tokenizer";

/** Twin of kContextLengths in native/engine/token_mixture.h. */
export const CONTEXT_LENGTHS = [2, 3, 4, 5, 6, 8, 10, 12, 16, 24, 32] as const;

/** What has been seen after a context: places and different tokens in all, and of those meant and those allowed. */
export interface Counts {
  readonly total: number;
  readonly distinct: number;
  readonly meant: number;
  readonly meantDistinct: number;
  readonly allowed: number;
  readonly allowedDistinct: number;
}

/** One token of a text, as the model and the memory see it. */
export interface Sample {
  /** The model's probability of what is meant, and of what is allowed there. */
  readonly meant: number;
  readonly allowed: number;
  readonly largest: number;
  /** For each of CONTEXT_LENGTHS that has been seen. */
  readonly counts: Readonly<Record<CodeSource, readonly Counts[]>>;
}

/** The tokens of what is to be said at cursors, as the product asks there. */
export async function samplesOf(engine: LocalEngine, workspaces: readonly CursorWorkspace[]): Promise<Sample[]> {
  const remembered = new RememberedCode(engine.newMemory());
  const session = engine.newSession();
  const subject = localSubject(engine, { heal: true, memory: false, traits: promptTraitsOf(engine.model) });
  const samples: Sample[] = [];
  for (const { docs, cases } of workspaces) {
    for (const cursor of cases) {
      await remembered.setWorkspace(docs.filter(({ path }) => path !== cursor.path));
      remembered.open(cursor);
      await remembered.upToDate();
      samples.push(...(await samplesAt(engine.tokenizer, subject, session, remembered, cursor)));
    }
  }
  session.close();
  return samples;
}

/** Goes along as surpriseOf does. */
async function samplesAt(
  tokenizer: Tokenizer,
  subject: Subject,
  session: LocalSession,
  { memory }: RememberedCode,
  cursor: CursorCase,
): Promise<Sample[]> {
  const { tokens: prompt, takenBack, context } = healPrompt(tokenizer, promptAt(subject, cursor));
  const [tokens, before] = [[...prompt], [...context]];
  const ids = tokenizer.encodeText(`${Buffer.from(takenBack).toString("utf8")}${cursor.rest}\n`);
  let forced = takenBack;
  const samples: Sample[] = [];
  for (const [i, id] of ids.entries()) {
    if (tokens.length === 0 || tokens.length >= subject.contextTokens) {
      break;
    }
    const said = tokenizer.tokenBytes(id);
    const meant = new Set(i === ids.length - 1 ? tokenizer.idsBeginningWith(said) : [id]);
    const allowed = forced.length > 0 ? new Set(tokenizer.idsAlong(forced)) : undefined;
    await session.evaluate(Int32Array.from(tokens));
    const at = Int32Array.from(before.slice(-CONTEXT_TOKENS_MAX));
    const countsIn = (source: CodeSource): Counts[] => countsOf(memory.index.lookup(source, at), meant, allowed);
    const counts = { file: countsIn("file"), workspace: countsIn("workspace") };
    samples.push({ ...probabilities(await session.logits(), meant, allowed), counts });
    forced = forced.subarray(Math.min(forced.length, said.length));
    tokens.push(id);
    before.push(id);
  }
  return samples;
}

function probabilities(
  logits: Float32Array,
  meant: ReadonlySet<number>,
  allowed: ReadonlySet<number> | undefined,
): Omit<Sample, "counts"> {
  const max = logits.reduce((most, each) => Math.max(most, each), -Infinity);
  const masses = Float64Array.from(logits, (logit) => Math.exp(logit - max));
  const all = masses.reduce((sum, each) => sum + each, 0);
  const of = (ids: ReadonlySet<number>): number => [...ids].reduce((sum, id) => sum + (masses[id] ?? 0), 0) / all;
  return { meant: of(meant), allowed: allowed === undefined ? 1 : of(allowed), largest: 1 / all };
}

/** @param pairs of a token and the tokens of context before it. */
function countsOf(pairs: Int32Array, meant: ReadonlySet<number>, allowed: ReadonlySet<number> | undefined): Counts[] {
  const counted: Counts[] = [];
  for (const length of CONTEXT_LENGTHS) {
    const ids = Array.from(pairs).filter((_, i) => i % 2 === 0 && (pairs[i + 1] ?? 0) >= length);
    if (ids.length === 0) {
      break;
    }
    const inMeant = ids.filter((id) => meant.has(id));
    const inAllowed = ids.filter((id) => allowed?.has(id) ?? true);
    counted.push({
      total: ids.length,
      distinct: new Set(ids).size,
      meant: inMeant.length,
      meantDistinct: new Set(inMeant).size,
      allowed: inAllowed.length,
      allowedDistinct: new Set(inAllowed).size,
    });
  }
  return counted;
}
