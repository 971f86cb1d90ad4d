import type { Tokenizer } from "../../model/tokenizer";
import { type CodeMemory, CONTEXT_TOKENS_MAX } from "./codeMemory";
import type { LocalSession } from "./localSession";
import type { HealedPrompt } from "./tokenHealing";

/** How a text goes on, as bits of information: −log2 of its probability. */
export interface Surprise {
  readonly bits: number;
  /** UTF-8 bytes of the text, or of the part of it for which the context had room. */
  readonly bytes: number;
}

/**
 * How surprising a text is after a prompt, token by token as the tokenizer cuts it. What was taken back of the prompt comes
 * first, and a token's probability is then that among the tokens allowed there, as generation chooses. The last token counts
 * together with all that begin with it: what comes after the text is another matter.
 *
 * Where the prompt is empty every token is as likely as the others.
 */
export async function surpriseOf(
  session: Pick<LocalSession, "evaluate" | "logits">,
  tokenizer: Tokenizer,
  { tokens: prompt, takenBack, context = [] }: Omit<HealedPrompt, "context"> & Partial<HealedPrompt>,
  text: string,
  contextTokens: number,
  memory?: Pick<CodeMemory, "index">,
): Promise<Surprise> {
  const tokens = [...prompt];
  const before = [...context];
  const ids = tokenizer.encodeText(Buffer.from(takenBack).toString("utf8") + text);
  let forced = takenBack;
  let bits = 0;
  let bytes = -takenBack.length;
  for (const [i, id] of ids.entries()) {
    if (tokens.length > contextTokens) {
      break;
    }
    const said = tokenizer.tokenBytes(id);
    const meant = i === ids.length - 1 ? tokenizer.idsBeginningWith(said) : [id];
    const allowed = forced.length > 0 ? tokenizer.idsAlong(forced) : undefined;
    const logits = await logitsAfter(session, tokens, tokenizer.nVocab);
    bits += bitsOf(
      logits,
      meant,
      allowed,
      memory?.index.mix(logits, Int32Array.from(before.slice(-CONTEXT_TOKENS_MAX))),
    );
    bytes += said.length;
    forced = forced.subarray(Math.min(forced.length, said.length));
    tokens.push(id);
    before.push(id);
  }
  return bytes > 0 ? { bits, bytes } : { bits: 0, bytes: 0 };
}

async function logitsAfter(
  session: Pick<LocalSession, "evaluate" | "logits">,
  tokens: readonly number[],
  nVocab: number,
): Promise<Float32Array> {
  if (tokens.length === 0) {
    return new Float32Array(nVocab);
  }
  await session.evaluate(Int32Array.from(tokens));
  return session.logits();
}

/** A distribution as the model's, scaled, and more for some tokens. */
type Mixture = ReturnType<CodeMemory["index"]["mix"]>;

/** −log2 of the probability that a token is one of `meant`, if it is one of `allowed`; by default any is. */
export function bitsOf(
  logits: Float32Array,
  meant: readonly number[],
  allowed?: readonly number[],
  mixture?: Mixture,
): number {
  let max = -Infinity;
  for (const logit of logits) {
    max = Math.max(max, logit);
  }
  const massOf = (ids: Iterable<number>): number => {
    let sum = 0;
    for (const id of ids) {
      sum += Math.exp((logits[id] ?? -Infinity) - max);
    }
    return sum;
  };
  if (mixture === undefined || mixture.ids.length === 0) {
    return Math.max(0, Math.log2(massOf(allowed ?? logits.keys())) - Math.log2(massOf(meant)));
  }
  const all = massOf(logits.keys());
  const probabilityOf = (ids: readonly number[]): number => {
    const wanted = new Set(ids);
    const added = mixture.added.filter((_, i) => wanted.has(mixture.ids[i] ?? -1));
    return (mixture.scale * massOf(ids)) / all + added.reduce((sum, each) => sum + each, 0);
  };
  return Math.max(0, Math.log2(allowed === undefined ? 1 : probabilityOf(allowed)) - Math.log2(probabilityOf(meant)));
}
