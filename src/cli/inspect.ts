import { type GgufModel, openGgufFile } from "../model/ggufFile";
import { terminalText } from "../core/visibleText";
import { PREDICTOR } from "../model/tensorTable";
import { type Arguments, flagOption, textOption, usageError } from "./options";
import { readVerdict } from "./reads";
import { modelPath, printJson } from "./session";

export const inspectOptions = { reads: { type: "string" }, workspace: { type: "string" } } as const;

/** `hearth inspect MODEL`: a model file's metadata. Weights are not read. `hearth inspect --reads PATH`: whether a file is. */
export async function inspect(args: Arguments): Promise<void> {
  const path = textOption(args, "reads");
  const workspace = textOption(args, "workspace");
  if (path !== undefined) {
    await inspectReads(args, path, workspace);
    return;
  }
  if (workspace !== undefined) {
    throw usageError("--workspace goes with --reads");
  }
  if (args.positionals.length > 1) {
    throw usageError("inspect takes one model");
  }
  const model = await openGgufFile(modelPath(args, args.positionals[0]));
  const facts = factsOf(model);
  if (flagOption(args, "json")) {
    printJson(facts);
    return;
  }
  for (const [name, value] of Object.entries(facts)) {
    process.stdout.write(terminalText(`${name.padEnd(24)} ${show(value)}\n`));
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

function factsOf(model: GgufModel): Record<string, unknown> {
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
    file_header: model.fileHeader,
    other_files: model.otherFiles.shown,
    other_files_reason: model.otherFiles.reason,
    chat_template: model.chatTemplate !== undefined,
    warnings: model.warnings,
  };
}
