import { type Arguments, engineOptions, flagOption, textOption, usageError } from "./options";
import { modelPath, openEngine, printJson, Progress } from "./session";
import { readText, writingFile } from "./documents";

export const logitsOptions = {
  tokens: { type: "string" },
  out: { type: "string" },
  all: { type: "boolean" },
  chunk: { type: "string" },
  "trace-routing": { type: "string" },
} as const;

const PROGRESS_TOKENS = 256;

/**
 * `hearth logits MODEL --tokens … --out F.f32`: raw logits as float32, little-endian: [n_vocab] after the last token, or
 * with --all [n_token, n_vocab]. --trace-routing writes {"layers": [layer][token][expert ids by rank]}.
 */
export async function logits(args: Arguments): Promise<void> {
  const out = textOption(args, "out");
  const given = textOption(args, "tokens");
  if (args.positionals.length > 1 || out === undefined || given === undefined) {
    throw usageError("logits takes a model, --tokens and --out");
  }
  const tokens = await parseTokens(given);
  const contextTokens = engineOptions(args).contextTokens ?? tokens.length;
  const traceFile = textOption(args, "trace-routing");
  const engine = await openEngine(args, modelPath(args, args.positionals[0]), {
    contextTokens,
  });
  try {
    const session = engine.newSession();
    const all = flagOption(args, "all");
    const progress = new Progress("evaluating");
    const report = await writingFile(out, async (write) => {
      let written = 0;
      const onLogits = (values: Float32Array): void => {
        write(bytesOf(values));
        written += values.length / engine.model.spec.n_vocab;
        progress.show(written / tokens.length);
      };
      if (!all && traceFile === undefined) {
        // In pieces, for the progress; the result is the same.
        for (let n = PROGRESS_TOKENS; n < tokens.length; n += PROGRESS_TOKENS) {
          await session.evaluate(tokens.subarray(0, n));
          progress.show(n / tokens.length);
        }
      }
      const result = await session.evaluate(tokens, { trace: traceFile !== undefined, ...(all ? { onLogits } : {}) });
      if (!all) {
        write(bytesOf(await session.logits()));
      }
      progress.clear();
      return result;
    });
    if (traceFile !== undefined) {
      await writingFile(traceFile, (write) => {
        write(Buffer.from(JSON.stringify({ layers: report.trace })));
        return Promise.resolve();
      });
    }
    if (flagOption(args, "json")) {
      const { n_vocab } = engine.model.spec;
      printJson({ out, n_token: tokens.length, n_vocab, all, isa: engine.info.isa, threads: engine.info.threads });
    }
  } finally {
    engine.close();
  }
}

const bytesOf = (values: Float32Array): Uint8Array =>
  new Uint8Array(values.buffer, values.byteOffset, values.byteLength);

/** "1,2,3", or "@ids.json" with an array or {"ids": […]} in it. */
async function parseTokens(given: string): Promise<Int32Array> {
  const ids = given.startsWith("@") ? idsOf(parseJson(await readText(given.slice(1)), given)) : given.split(",");
  const tokens = ids.map((id) => (typeof id === "string" && !/^\s*\d+\s*$/.test(id) ? Number.NaN : Number(id)));
  if (tokens.length === 0 || !tokens.every((id) => Number.isInteger(id) && id >= 0 && id < 2 ** 31)) {
    throw usageError("--tokens must be a list of token ids such as 1,2,3, or @FILE with a JSON array of them");
  }
  return Int32Array.from(tokens);
}

function parseJson(text: string, given: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw usageError(`--tokens ${given} does not contain JSON`);
  }
}

function idsOf(json: unknown): readonly unknown[] {
  const list = typeof json === "object" && json !== null && "ids" in json ? json.ids : json;
  return Array.isArray(list) && list.every((id) => typeof id === "number") ? list : [];
}
