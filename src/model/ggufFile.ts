import { type FileHandle, open, stat } from "node:fs/promises";
import { basename } from "node:path";
import type { ModelInfo } from "../protocol/engine";
import type { FimFormat } from "../protocol/prompt";
import { ARCHITECTURES } from "./architectures/all";
import { type Architecture, architectureOf } from "./architectures/architecture";
import { type GgufHeader, readGgufHeader } from "./ggufHeader";
import { Metadata } from "./metadata";
import { ModelFileProblem, nameModelFile, quoted } from "./modelFileProblem";
import type { ModelSpec } from "./modelSpec";
import { type Capability, type FimLayout, type KnownModel, recogniseModel } from "./registry";
import { readTensorTable } from "./tensorTable";
import { readVocabulary, type Vocabulary } from "./vocabulary";

/** A model file's metadata. Its weights stay in the file. */
export interface GgufModel {
  readonly spec: ModelSpec;
  /** `general.name`, or the file's name. */
  readonly name: string;
  /** e.g. "4B". */
  readonly sizeLabel: string | undefined;
  /** Type of most of the weights, e.g. "Q4_0". */
  readonly quantLabel: string;
  /** Give it to `Tokenizer`, then let it go: it is 4.4 MB for 152,000 tokens. */
  readonly vocab: Vocabulary;
  readonly chatTemplate: string | undefined;
  readonly fim: Fim;
  /** `hearth.capabilities`, else what is known of the model. */
  readonly capabilities: readonly Capability[];
  /**
   * `hearth.prompt.file_header`, else what is known of the model: it was trained on documents that begin with the format's token
   * for a file, its path and a newline.
   */
  readonly fileHeader: boolean;
  /** `hearth.prompt.other_files`, else what is known of the model: trained on documents behind other files of their repository. */
  readonly otherFiles: OtherFiles;
  readonly known: KnownModel;
  /** `general.architecture`, e.g. "smallthinker". */
  readonly architecture: string;
  /** Oddities that do not keep the model from running, a sentence each. */
  readonly warnings: readonly string[];
  readonly identity: FileIdentity;
  /** What comes before the weights. */
  readonly headerBytes: number;
}

/** How the model fills in what belongs between two texts. */
export interface Fim {
  /** `hearth.fim.layouts`, else what is known of the model; empty: it was not trained to fill in, or lacks the tokens. */
  readonly layouts: readonly FimLayout[];
  /** Its control tokens. */
  readonly format: FimFormat;
  /** Why it has these layouts, in a clause. */
  readonly reason: string;
}

export interface OtherFiles {
  readonly shown: boolean;
  /** Why, in a clause. */
  readonly reason: string;
}

/** What core calls PromptTraits. */
export function promptTraitsOf({
  fim,
  fileHeader,
  otherFiles,
}: Pick<GgufModel, "fim" | "fileHeader" | "otherFiles">): ModelInfo["traits"] {
  return { fimLayouts: fim.layouts, fileHeader, otherFiles: otherFiles.shown, fim: fim.format };
}

/** Equal for two openings of an unchanged file. */
export interface FileIdentity {
  readonly path: string;
  readonly size: number;
  readonly mtimeMs: number;
}

const CAPABILITIES: readonly Capability[] = ["complete", "chat", "edit"];
const FIM_LAYOUTS: readonly FimLayout[] = ["suffix-first", "prefix-first"];
/** A file is at least a header and some weights; beyond this, sizes are not exact numbers. */
const FILE_BYTES_MAX = Number.MAX_SAFE_INTEGER;

/**
 * Opens a model in GGUF format and reads its header, never its weights. The file comes from the network: whatever is in it,
 * this ends soon, in bounded memory, with a model that is consistent or with one error.
 *
 * @param architectures those that may be in the file.
 * Errors: EngineError `bad_model`, or `io` when the disk fails.
 */
export async function openGgufFile(
  path: string,
  architectures: readonly Architecture[] = ARCHITECTURES,
): Promise<GgufModel> {
  const fileName = basename(path);
  let file: FileHandle | undefined;
  try {
    file = await openFile(path);
    const { size, mtimeMs } = await file.stat();
    const groups = architectures.map(({ name }) => name);
    const header = await readGgufHeader(file, Math.min(size, FILE_BYTES_MAX), groups);
    return interpret(header, architectures, { path, size, mtimeMs }, fileName);
  } catch (error) {
    throw nameModelFile(asProblem(error), "open model", fileName);
  } finally {
    await file?.close();
  }
}

async function openFile(path: string): Promise<FileHandle> {
  // Before opening: opening a pipe would wait for someone to write to it.
  const found = await stat(path);
  if (!found.isFile()) {
    throw new ModelFileProblem(found.isDirectory() ? "it is a folder" : "it is not a regular file", CHOOSE);
  }
  return open(path, "r");
}

const CHOOSE = "choose another model";
const FILE_SYSTEM_PROBLEMS: Readonly<Record<string, string>> = {
  ENOENT: "no such file",
  ENOTDIR: "no such file",
  ENAMETOOLONG: "no such file",
  ERR_INVALID_ARG_VALUE: "no such file",
  EACCES: "permission denied",
  EPERM: "permission denied",
  ELOOP: "its links go in a circle",
};

/** Errors of the file system in our words; anything else unchanged. */
function asProblem(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof ModelFileProblem || !("code" in error)) {
    return error;
  }
  const code = String(error.code);
  const known = FILE_SYSTEM_PROBLEMS[code];
  if (known !== undefined) {
    return new ModelFileProblem(known, CHOOSE);
  }
  if (code.startsWith("ERR_")) {
    return error;
  }
  return new ModelFileProblem(`the disk reported ${code}`, "check the disk, then try again", "io");
}

function interpret(
  header: GgufHeader,
  architectures: readonly Architecture[],
  identity: FileIdentity,
  fileName: string,
): GgufModel {
  const warnings: string[] = [];
  const metadata = new Metadata(header.metadata);
  const architecture = architectureOf(metadata, architectures, fileName);
  const hyper = architecture.readHyperparameters(metadata.below(architecture.name), warnings);
  const { n_vocab, down_transposed, tensors, quantLabel } = readTensorTable(
    header.tensors,
    (file) => architecture.listTensors(hyper, file),
    hyper.n_layer,
    header.alignment,
    identity.size,
    warnings,
  );
  const spec: ModelSpec = {
    path: identity.path,
    file_bytes: identity.size,
    ...hyper,
    n_vocab,
    down_transposed,
    tensors,
  };
  const name = printable(metadata.string("general.name"));
  const chatTemplate = metadata.string("tokenizer.chat_template");
  const known = recogniseModel(architecture, name, spec, chatTemplate !== undefined);
  const vocab = readVocabulary(metadata, n_vocab, fileName, architecture.tokens, warnings);
  const fim = readFim(metadata, known, vocab, warnings);
  return {
    spec,
    name: name ?? fileName.replace(/\.gguf$/i, ""),
    sizeLabel: metadata.string("general.size_label"),
    quantLabel,
    vocab,
    chatTemplate,
    fim,
    capabilities: names(metadata, "hearth.capabilities", CAPABILITIES, warnings) ?? known.capabilities,
    fileHeader: readFileHeader(metadata, known, vocab, warnings),
    otherFiles: readOtherFiles(metadata, fim, known, vocab),
    known,
    architecture: architecture.name,
    warnings,
    identity,
    headerBytes: Math.min(header.dataOffset, identity.size),
  };
}

function readFim(metadata: Metadata, known: KnownModel, { fim }: Vocabulary, warnings: string[]): Fim {
  const { format } = fim;
  const stated = names(metadata, "hearth.fim.layouts", FIM_LAYOUTS, warnings);
  const layouts = stated ?? known.fimLayouts;
  const missing = [format.prefix, format.suffix, format.middle].filter((name) => fim.missing.includes(name));
  if (layouts.length > 0 && missing.length > 0) {
    const reason = `the vocabulary lacks ${missing.map(quoted).join(", ")}`;
    warnings.push(`the model cannot fill in between two texts: ${reason}`);
    return { layouts: [], format, reason };
  }
  if (stated !== undefined) {
    return { layouts, format, reason: "the file's hearth.fim.layouts say so" };
  }
  const trained = layouts.length > 0 ? "was trained with them" : "is not known to be trained to fill in";
  return { layouts, format, reason: known.fimReason ?? `${known.title} ${trained}` };
}

function readFileHeader(metadata: Metadata, known: KnownModel, { fim }: Vocabulary, warnings: string[]): boolean {
  const key = "hearth.prompt.file_header";
  const isWanted = metadata.has(key) ? flag(metadata, key) : known.fileHeader === true;
  const lacks = fim.missing.includes(fim.format.file);
  if (isWanted && lacks) {
    warnings.push(`prompts begin without the file's path: the vocabulary lacks ${quoted(fim.format.file)}`);
  }
  return isWanted && !lacks;
}

function readOtherFiles(
  metadata: Metadata,
  { layouts, format }: Fim,
  known: KnownModel,
  { fim }: Vocabulary,
): OtherFiles {
  const key = "hearth.prompt.other_files";
  const stated = metadata.has(key) ? flag(metadata, key) : undefined;
  const missing = [format.file, format.repository].filter((name) => name !== undefined && fim.missing.includes(name));
  if (layouts.length === 0) {
    return { shown: false, reason: "it is not prompted to fill in" };
  }
  if (stated === false) {
    return { shown: false, reason: `the file's ${key} says so` };
  }
  if (stated !== true && known.otherFiles !== true) {
    return { shown: false, reason: `${known.title} is not known to be trained on more than one file at once` };
  }
  return missing.length > 0
    ? { shown: false, reason: `the vocabulary lacks ${missing.map((name) => quoted(name ?? "")).join(", ")}` }
    : {
        shown: true,
        reason:
          stated === true
            ? `the file's ${key} says so`
            : `${known.title} was trained on documents behind other files of their repository`,
      };
}

/** A name that can be shown anywhere: control characters of a file from the network must not reach a terminal. */
function printable(text: string | undefined): string | undefined {
  return text?.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "?").slice(0, 120);
}

/** A list of names of which we know some; the others come from a newer Hearth. */
function names<T extends string>(
  metadata: Metadata,
  key: string,
  allowed: readonly T[],
  warnings: string[],
): readonly T[] | undefined {
  const found = metadata.strings(key);
  const strange = found?.find((name) => !allowed.some((one) => one === name));
  if (strange !== undefined) {
    warnings.push(`${key} has ${quoted(strange)}, which this version of Hearth does not know`);
  }
  // In the file's order, which is one of preference.
  return found?.flatMap((name) => allowed.find((one) => one === name) ?? []);
}

/** Exporters write flags as a bool, a number or what they stand for, such as the parts of a header. */
function flag(metadata: Metadata, key: string): boolean {
  const entry = metadata.get(key);
  switch (entry?.kind) {
    case "bool":
      return entry.value;
    case "number":
      return entry.value !== 0;
    case "string":
      return !["", "0", "false", "no"].includes(entry.value.toLowerCase());
    case "array":
      return entry.values.length > 0;
    default:
      return false;
  }
}
