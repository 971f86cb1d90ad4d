import { readdir, readFile, realpath, stat } from "node:fs/promises";
import { basename, isAbsolute, join, relative, sep } from "node:path";
import { homeFolder } from "../homeFolder";
import type { FoundFile } from "../protocol/models";

/**
 * Model files of other programs on this machine. Their folders are only looked at when the user asks, and never changed. Layouts:
 * huggingface_hub constants.py and file_download.py, lmstudio.ai/docs/basics/import-model, ollama manifest/paths.go.
 */
export async function findOtherPrograms(env: NodeJS.ProcessEnv = process.env): Promise<FoundFile[]> {
  const found = [...(await inHuggingFace(env)), ...(await inLmStudio(env)), ...(await inOllama(env))];
  // One file may be found by several names, such as two revisions that share a blob.
  const byPath = new Map<string, FoundFile>();
  for (const file of found) {
    const real = await realpath(file.path).catch(() => file.path);
    if (!byPath.has(real)) {
      byPath.set(real, file);
    }
  }
  return [...byPath.values()];
}

const GGUF = /\.gguf$/i;
const SHA256 = /^[0-9a-f]{64}$/;
const DEPTH_MAX = 6;
const MANIFEST_BYTES_MAX = 2 ** 20;

function homeOf(env: NodeJS.ProcessEnv): string {
  return env["HOME"] ?? env["USERPROFILE"] ?? homeFolder();
}

function set(value: string | undefined): string | undefined {
  return value === undefined || value === "" ? undefined : value;
}

/** `models--org--name/snapshots/<commit>/<file>`, links to `blobs/<sha256>`. */
async function inHuggingFace(env: NodeJS.ProcessEnv): Promise<FoundFile[]> {
  const home = set(env["HF_HOME"]);
  const cache = set(env["XDG_CACHE_HOME"]) ?? join(homeOf(env), ".cache");
  const hub =
    set(env["HF_HUB_CACHE"]) ??
    set(env["HUGGINGFACE_HUB_CACHE"]) ??
    (home === undefined ? join(cache, "huggingface", "hub") : join(home, "hub"));
  const files: FoundFile[] = [];
  for (const repository of (await names(hub)).filter((name) => name.startsWith("models--"))) {
    const id = repository.slice("models--".length).replace("--", "/");
    const snapshots = join(hub, repository, "snapshots");
    for (const commit of await names(snapshots)) {
      const root = join(snapshots, commit);
      for (const path of await ggufBelow(root)) {
        const blob = basename(await realpath(path).catch(() => ""));
        files.push({
          path,
          program: "huggingface",
          reference: `${id}/${relative(root, path).split(sep).join("/")}`,
          // Small files have a Git hash instead.
          ...(SHA256.test(blob) ? { sha256: blob } : {}),
        });
      }
    }
  }
  return files;
}

/**
 * `~/.lmstudio/models/<publisher>/<model>/<file>.gguf`; before 0.3.6 below `~/.cache/lm-studio`. A file in the home folder names another
 * place for all of it, and LM Studio's settings (`downloadsFolder`) another one for models.
 */
async function inLmStudio(env: NodeJS.ProcessEnv): Promise<FoundFile[]> {
  const home = homeOf(env);
  const pointed = (await textOf(join(home, ".lmstudio-home-pointer")))?.trim() ?? "";
  const homes = [...(isAbsolute(pointed) ? [pointed] : []), join(home, ".lmstudio"), join(home, ".cache", "lm-studio")];
  const set = await Promise.all(homes.map((each) => downloadsFolderIn(join(each, "settings.json"))));
  const roots = [...set.flatMap((folder) => folder ?? []), ...homes.map((each) => join(each, "models"))];
  const files: FoundFile[] = [];
  for (const root of new Set(roots)) {
    for (const path of await ggufBelow(root)) {
      files.push({ path, program: "lmstudio", reference: relative(root, path).split(sep).join("/") });
    }
  }
  return files;
}

async function downloadsFolderIn(settings: string): Promise<string | undefined> {
  try {
    const value = JSON.parse((await textOf(settings)) ?? "null") as { readonly downloadsFolder?: unknown } | null;
    const folder = value?.downloadsFolder;
    return typeof folder === "string" && isAbsolute(folder) ? folder : undefined;
  } catch {
    return undefined;
  }
}

/** Of a small file; undefined where it is not there. */
async function textOf(path: string): Promise<string | undefined> {
  const info = await stat(path).catch(() => undefined);
  return info?.isFile() === true && info.size <= MANIFEST_BYTES_MAX
    ? readFile(path, "utf8").catch(() => undefined)
    : undefined;
}

/** `manifests/<host>/<namespace>/<model>/<tag>`: JSON whose layer of models names a blob by its SHA-256. */
async function inOllama(env: NodeJS.ProcessEnv): Promise<FoundFile[]> {
  const own = set(env["OLLAMA_MODELS"]);
  const roots =
    own === undefined ? [join(homeOf(env), ".ollama", "models"), "/usr/share/ollama/.ollama/models"] : [own];
  const files: FoundFile[] = [];
  for (const root of roots) {
    const manifests = join(root, "manifests");
    for (const manifest of await filesBelow(manifests)) {
      const digest = await modelDigest(manifest);
      const path = digest === undefined ? undefined : join(root, "blobs", `sha256-${digest}`);
      if (digest !== undefined && path !== undefined && (await isFile(path))) {
        const [, namespace, model, tag] = relative(manifests, manifest).split(sep);
        const label = [...(namespace === "library" ? [] : [namespace]), model].join("/");
        files.push({ path, program: "ollama", reference: `${label}:${tag ?? "latest"}`, sha256: digest });
      }
    }
  }
  return files;
}

async function modelDigest(manifest: string): Promise<string | undefined> {
  try {
    const { layers } = JSON.parse((await textOf(manifest)) ?? "{}") as {
      layers?: readonly { mediaType?: unknown; digest?: unknown }[];
    };
    const layer = layers?.find(({ mediaType }) => mediaType === "application/vnd.ollama.image.model");
    const digest = typeof layer?.digest === "string" ? layer.digest.replace(/^sha256:/, "") : "";
    return SHA256.test(digest) ? digest : undefined;
  } catch {
    return undefined;
  }
}

async function ggufBelow(root: string): Promise<string[]> {
  // Projections of images are no language models.
  return (await filesBelow(root)).filter((path) => GGUF.test(path) && !/^mmproj/i.test(basename(path)));
}

async function filesBelow(root: string, depth = 0): Promise<string[]> {
  const files: string[] = [];
  for (const name of await names(root)) {
    const path = join(root, name);
    const info = await stat(path).catch(() => undefined);
    if (info?.isFile() === true) {
      files.push(path);
    } else if (info?.isDirectory() === true && depth < DEPTH_MAX) {
      files.push(...(await filesBelow(path, depth + 1)));
    }
  }
  return files;
}

/** A folder that is not there, or not ours to read, has nothing for us. */
async function names(folder: string): Promise<string[]> {
  return (await readdir(folder).catch(() => [])).sort();
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() ?? false;
}
