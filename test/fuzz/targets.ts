import assert from "node:assert/strict";
import { closeSync, ftruncateSync, openSync, readdirSync, readFileSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { encodeFrame, FrameDecoder, FrameError } from "../../src/engine/wire/frames";
import { paramsOf, SCHEMAS } from "../../src/engine/wire/requestSchemas";
import { loadNativeAddon } from "../../src/engine/local/native";
import { openGgufFile } from "../../src/model/ggufFile";
import type { ModelSpec } from "../../src/model/modelSpec";
import { TempFolder, writeTinyModel } from "../../src/model/testing/ggufBytes";
import { Tokenizer } from "../../src/model/tokenizer";
import { EngineError } from "../../src/protocol/errors";
import type { Prng } from "../fixtures/prng";
import { mutated } from "./mutations";

/** What reads bytes of strangers: files from the network, and what connects to the engine's socket. */
export interface Target {
  readonly seeds: readonly Buffer[];
  mutate(bytes: Buffer, other: Buffer, prng: Prng): Buffer;
  /** What became of it, in words. Everything else that is thrown, or takes long, is a fault. */
  run(bytes: Buffer, prng: Prng): Promise<string>;
}

const TEXT = "function add(a, b) {\n  return a + b; // ä 😀\n}\n";
const CORPORA = join(__dirname, "corpora");

/** Inputs that were found before, and what they began with. */
function kept(name: string): Buffer[] {
  const folder = join(CORPORA, name);
  return readdirSync(folder)
    .filter((file) => !file.startsWith("."))
    .map((file) => readFileSync(join(folder, file)));
}

async function outcomeOf(work: () => Promise<string>): Promise<string> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof FrameError) {
      return error.message;
    }
    assert.ok(error instanceof EngineError, error instanceof Error ? error.stack : String(error));
    assert.notEqual(error.code, "internal");
    assert.match(error.message, /^\S[^\n]+$/);
    return `${error.code}: ${error.message}`;
  }
}

/** A small number, whatever the type. */
const SOME_WEIGHT = 0x3c;

interface TinyModel {
  readonly folder: TempFolder;
  readonly header: Buffer;
  readonly dataBytes: number;
  readonly spec: ModelSpec;
}

async function tinyModel(): Promise<TinyModel> {
  const folder = new TempFolder();
  const path = writeTinyModel(folder);
  const file = readFileSync(path);
  const { spec } = await openGgufFile(path);
  const headerBytes = Math.min(...spec.tensors.map(({ offset }) => offset));
  // Norms and routers of zeros are refused before anything is evaluated.
  writeFileSync(path, file.fill(SOME_WEIGHT, headerBytes));
  return { folder, header: file.subarray(0, headerBytes), dataBytes: file.length - headerBytes, spec };
}

/** The file with that header, and zeros for weights. */
function written({ folder, dataBytes }: TinyModel, header: Buffer): string {
  const path = join(folder.path, "fuzzed.gguf");
  const file = openSync(path, "w");
  writeSync(file, header);
  ftruncateSync(file, header.length + dataBytes);
  closeSync(file);
  return path;
}

/** The header of a file: counts, strings, types, shapes and offsets. */
function header(tiny: TinyModel): Target {
  return {
    seeds: [tiny.header, ...kept("header")],
    mutate: mutated,
    run: (bytes) =>
      outcomeOf(async () => {
        const path = written(tiny, bytes);
        const { spec } = await openGgufFile(path);
        for (const { offset, bytes: length } of spec.tensors) {
          assert.ok(offset >= 0 && length > 0 && offset + length <= spec.file_bytes);
        }
        return "opened";
      }),
  };
}

/** The tables of a tokenizer: a file whose header is whole up to there. */
function tokenizer(tiny: TinyModel): Target {
  const from = tiny.header.indexOf("tokenizer.ggml.");
  const mutateTail = (bytes: Buffer, other: Buffer, prng: Prng): Buffer =>
    Buffer.concat([tiny.header.subarray(0, from), mutated(bytes.subarray(from), other.subarray(from), prng)]);
  return {
    seeds: [tiny.header, ...kept("tokenizer")],
    mutate: mutateTail,
    run: (bytes) =>
      outcomeOf(async () => {
        const { vocab } = await openGgufFile(written(tiny, bytes));
        const made = new Tokenizer(vocab);
        const ids = made.encodeText(TEXT);
        assert.ok(ids.every((id) => Number.isInteger(id) && id >= 0 && id < made.nVocab));
        return made.decode(ids) === TEXT ? "the same text" : "another text";
      }),
  };
}

/** Numbers and names anywhere in a description of a model. */
function leaves(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  if (typeof value !== "object" || value === null) {
    return [path];
  }
  return Object.entries(value).flatMap(([key, inner]) => leaves(inner, [...path, key]));
}

const ODD_VALUES = [-1, 0, 1, 2, 3, 16, 31, 33, 255, 2 ** 16, 2 ** 20, 2 ** 24, 2 ** 31, 2 ** 32, 2 ** 53, 0.5, 1e300];

function withLeaf(spec: unknown, path: readonly (string | number)[], change: (value: unknown) => unknown): void {
  let at = spec as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) {
    at = at[key] as Record<string | number, unknown>;
  }
  const last = path.at(-1)!;
  at[last] = change(at[last]);
}

/** What C++ makes of a description that is wrong (CheckSpec), and of weights where it says they are. */
function weights(tiny: TinyModel): Target {
  const addon = loadNativeAddon();
  const path = join(tiny.folder.path, "tiny.gguf");
  const asBytes = (spec: unknown): Buffer => Buffer.from(JSON.stringify(spec));
  return {
    seeds: [asBytes({ ...tiny.spec, path: "" }), ...kept("weights")],
    mutate(bytes, _, prng) {
      const spec = JSON.parse(bytes.toString()) as unknown;
      for (let n = 1 + prng.nextBelow(3); n > 0; --n) {
        const all = leaves(spec).filter((leaf) => leaf[0] !== "path");
        withLeaf(spec, all[prng.nextBelow(all.length)]!, (value) => {
          if (typeof value === "boolean") {
            return !value;
          }
          if (typeof value !== "number") {
            return value;
          }
          return prng.nextBelow(2) === 0
            ? ODD_VALUES[prng.nextBelow(ODD_VALUES.length)]!
            : value + 1 - prng.nextBelow(3);
        });
      }
      return asBytes(spec);
    },
    run: (bytes, prng) =>
      outcomeOf(async () => {
        const spec = { ...(JSON.parse(bytes.toString()) as ModelSpec), path };
        try {
          const budget = prng.nextBelow(2) === 0 ? {} : { memoryBudgetBytes: 2 ** (16 + prng.nextBelow(12)) };
          const engine = await addon.loadEngine(spec, { threads: 1, contextTokens: 16, ...budget });
          try {
            await engine.newSession().sync(Int32Array.of(1, 2, 3), {});
            return "evaluated";
          } finally {
            engine.close();
          }
        } catch (error) {
          throw nativeError(error);
        }
      }),
  };
}

/** An error of the addon with a code; one without is a bug of ours, but for values of a wrong type. */
function nativeError(error: unknown): unknown {
  if (error instanceof TypeError) {
    return new EngineError("bad_request", error.message);
  }
  const code = error instanceof Error && "code" in error ? String(error.code) : undefined;
  return code === undefined ? error : new EngineError(code as EngineError["code"], (error as Error).message);
}

/** A client's stream: frames, and what is in them as every request's parameters. */
function frames(): Target {
  const request = {
    jsonrpc: "2.0",
    id: 1,
    method: "complete",
    params: {
      request: 1,
      document: "a",
      prompt: [{ kind: "text", text: "x = " }],
      priority: "completion",
      maxTokens: 4,
    },
  };
  const others = [
    { token: "0", protocol: 4, client: "a", keepAliveMs: 1 },
    { path: "/a.gguf", load: { threads: 2, memoryBudgetBytes: 1e9 }, replace: true },
    { document: "a", source: "file", text: "b", from: 0, to: 1 },
    { texts: ["a", "b"] },
  ];
  const schemas = Object.values(SCHEMAS);
  return {
    seeds: [
      Buffer.concat([request, ...others.map((params) => ({ ...request, params }))].map(encodeFrame)),
      ...kept("frames"),
    ],
    mutate: mutated,
    run: (bytes, prng) =>
      outcomeOf(async () => {
        const decoder = new FrameDecoder(1 + prng.nextBelow(1 << 16));
        const said: string[] = [];
        for (let at = 0; at < bytes.length;) {
          const to = at + 1 + prng.nextBelow(200);
          decoder.push(bytes.subarray(at, to));
          at = to;
          for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) {
            said.push(await judged(frame.value, schemas[prng.nextBelow(schemas.length)]!));
          }
        }
        return said.join("; ");
      }),
  };
}

function judged(value: unknown, schema: (typeof SCHEMAS)[keyof typeof SCHEMAS]): Promise<string> {
  const again = new FrameDecoder();
  again.push(encodeFrame(value));
  assert.ok(isDeepStrictEqual(again.next()?.value, value));
  const params = typeof value === "object" && value !== null && "params" in value ? value.params : value;
  return outcomeOf(() => {
    paramsOf<unknown>(schema, params);
    return Promise.resolve("fits");
  });
}

export const TARGETS = ["header", "tokenizer", "weights", "frames"] as const;
export type TargetName = (typeof TARGETS)[number];

export async function openTarget(name: TargetName): Promise<{ readonly target: Target; readonly close: () => void }> {
  const tiny = await tinyModel();
  const close = (): void => {
    tiny.folder.remove();
  };
  switch (name) {
    case "header":
      return { target: header(tiny), close };
    case "tokenizer":
      return { target: tokenizer(tiny), close };
    case "weights":
      return { target: weights(tiny), close };
    case "frames":
      return { target: frames(), close };
  }
}
