import { LayoutStore } from "../engine/server/layoutStore";
import { isLayoutOpen, layoutOf } from "../engine/server/modelLayout";
import { layoutReason, type LayoutVerdict } from "../engine/local/layoutTest";
import { type GgufModel, openGgufFile } from "../model/ggufFile";
import { terminalText } from "../core/visibleText";
import { PREDICTOR } from "../model/tensorTable";
import { type Arguments, flagOption, textOption, usageError } from "./options";
import { readVerdict } from "./reads";
import { modelPath, openEngine, printJson } from "./session";

export const inspectOptions = {
  reads: { type: "string" },
  workspace: { type: "string" },
  "self-test": { type: "boolean" },
} as const;

/**
 * `hearth inspect MODEL`: a model file's metadata. Weights are not read but for `--self-test`, which finds out how the model is best
 * asked where that is not known yet. `hearth inspect --reads PATH`: whether a file is.
 */
export async function inspect(args: Arguments): Promise<void> {
  const reads = textOption(args, "reads");
  const workspace = textOption(args, "workspace");
  if (reads !== undefined) {
    await inspectReads(args, reads, workspace);
    return;
  }
  if (workspace !== undefined) {
    throw usageError("--workspace needs --reads");
  }
  if (args.positionals.length > 1) {
    throw usageError("inspect takes one model");
  }
  const path = modelPath(args, args.positionals[0]);
  const facts = await (flagOption(args, "self-test") ? testedFacts(args, path) : readFacts(path));
  if (flagOption(args, "json")) {
    printJson(facts);
    return;
  }
  for (const [name, value] of Object.entries(facts)) {
    process.stdout.write(terminalText(`${name.padEnd(24)} ${show(value)}\n`));
  }
}

async function readFacts(path: string): Promise<Record<string, unknown>> {
  const model = await openGgufFile(path);
  return factsOf(model, isLayoutOpen(model) ? await new LayoutStore().read(model) : undefined);
}

async function testedFacts(args: Arguments, path: string): Promise<Record<string, unknown>> {
  const engine = await openEngine(args, path);
  try {
    return factsOf(engine.model, await layoutOf(engine));
  } finally {
    engine.close();
  }
}

async function inspectReads(args: Arguments, path: string, workspace: string | undefined): Promise<void> {
  if (args.positionals.length > 0 || path === "" || workspace === "") {
    throw usageError("inspect --reads takes one path, and --workspace a folder");
  }
  const verdict = await readVerdict(path, workspace);
  if (flagOption(args, "json")) {
    printJson(verdict);
  } else {
    process.stdout.write(verdict.read ? "it is read\n" : terminalText(`it is not read: ${verdict.rule}\n`));
  }
}

function show(value: unknown): string {
  if (Array.isArray(value)) {
    return value.length === 0 ? "none" : value.map(String).join(", ");
  }
  if (typeof value === "object" && value !== null) {
    return Object.entries(value)
      .map(([key, each]) => `${key} ${String(each)}`)
      .join(", ");
  }
  return String(value);
}

function factsOf(model: GgufModel, tested: LayoutVerdict | undefined): Record<string, unknown> {
  const { spec } = model;
  const bytesByType: Record<string, number> = {};
  for (const { type, bytes } of spec.tensors) {
    bytesByType[type] = (bytesByType[type] ?? 0) + bytes;
  }
  const ropes = spec.block.attention.map(({ rope }) => rope).filter((rope) => rope !== undefined);
  const windowed = spec.block.attention.filter(({ window }) => window > 0);
  const full = spec.block.attention.find(({ window, rope }) => window === 0 && rope !== undefined);
  return {
    name: model.name,
    recognised: model.known.title,
    file: spec.path,
    file_bytes: spec.file_bytes,
    quantisation: model.quantLabel,
    n_layer: spec.n_layer,
    n_embd: spec.n_embd,
    n_head: spec.n_head,
    n_head_kv: spec.n_head_kv,
    head_dim: spec.head_dim,
    n_expert: spec.n_expert,
    n_expert_used: spec.n_expert_used,
    n_ff: spec.n_ff,
    n_vocab: spec.n_vocab,
    n_ctx_train: spec.n_ctx_train,
    gating: spec.block.gating,
    activation: spec.block.activation,
    rope_freq_base: (full?.rope ?? ropes[0])?.freq_base ?? 0,
    rope_freq_base_windowed: windowed.find(({ rope }) => rope !== undefined)?.rope?.freq_base ?? 0,
    rope_yarn: ropes.find(({ yarn }) => yarn !== undefined)?.yarn ?? "none",
    layers_nope: spec.block.attention.filter(({ rope }) => rope === undefined).length,
    layers_windowed: windowed.length,
    sliding_window: windowed[0]?.window ?? 0,
    down_transposed: spec.down_transposed,
    head_tied: !spec.tensors.some(({ name }) => name === "output.weight"),
    head_predictor: spec.tensors.some(({ name }) => name === PREDICTOR),
    bytes_by_type: bytesByType,
    capabilities: model.capabilities,
    fim_layouts: model.fim.layouts,
    fim_reason: model.fim.reason,
    fim_tokens: model.fim.format,
    prompt_layout: model.fim.layouts[0] ?? tested?.layout ?? "continuation",
    prompt_layout_reason: promptLayoutReason(model, tested),
    file_header: model.fileHeader,
    other_files: model.otherFiles.shown,
    other_files_reason: model.otherFiles.reason,
    chat_template: model.chatTemplate !== undefined,
    warnings: model.warnings,
  };
}

function promptLayoutReason(model: GgufModel, tested: LayoutVerdict | undefined): string {
  if (!isLayoutOpen(model)) {
    return model.fim.layouts.length > 0 ? model.fim.reason : "it is not asked for code at a cursor";
  }
  return tested === undefined
    ? "no self-test has run yet: the engine tests a model while nobody asks it anything, and --self-test does now"
    : layoutReason(tested);
}
