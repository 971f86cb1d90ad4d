import assert from "node:assert/strict";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
  headerBytes,
  laidOut,
  TempFolder,
  tinyEntries,
  tinyTensors,
  writeTinyModel,
} from "../../model/testing/ggufBytes";
import type { ModelsErrorCode } from "../../protocol/models";
import { realDisk } from "../disk";
import { type Downloaded, downloadModel, type DownloadOptions } from "../download";
import type { DownloadLimits } from "../limits";
import { nodeHttp } from "../../network/nodeHttp";
import { parseReference } from "../reference";
import { FILE, LoopbackHub, REPOSITORY } from "./loopbackHub";

/** A small model that Hearth reads: of weights that differ everywhere, so that no byte may stand in another's place. */
function modelBytes(): Buffer {
  const folder = new TempFolder();
  try {
    const bytes = readFileSync(writeTinyModel(folder));
    const header = headerBytes({ entries: [...tinyEntries()], tensors: laidOut(tinyTensors()).tensors }).length;
    for (let at = header, state = 1; at < bytes.length; ++at) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      bytes[at] = state >>> 24;
    }
    return bytes;
  } finally {
    folder.remove();
  }
}

export const MODEL_BYTES: Buffer = modelBytes();

/** So short that nobody waits, and long enough for a busy machine. */
export const SHORT_LIMITS: DownloadLimits = {
  answerMs: 5000,
  stallMs: 400,
  stallBytes: 64,
  parallel: 3,
  pieceBytes: 32 * 1024,
  failuresMax: 4,
  progressBytes: 4096,
  backOffMs: 2,
  backOffMaxMs: 20,
  waitMaxMs: 2000,
  hopsMax: 5,
  saveMs: 150,
  reserveBytes: 0,
};

/** A hub with the starter model, and an empty folder for models. */
export class DownloadWorld {
  readonly hub: LoopbackHub;
  readonly folder: string;
  readonly target: string;

  private constructor(hub: LoopbackHub, folder: string) {
    this.hub = hub;
    this.folder = folder;
    this.target = join(folder, ...REPOSITORY.split("/"), FILE);
  }

  static async with(work: (world: DownloadWorld) => Promise<void>, content: Buffer = MODEL_BYTES): Promise<void> {
    const hub = await LoopbackHub.start(content);
    const folder = mkdtempSync(join(tmpdir(), "hearth-models-"));
    try {
      await work(new DownloadWorld(hub, folder));
    } finally {
      await hub.stop();
      rmSync(folder, { recursive: true, force: true });
    }
  }

  options(own: Partial<DownloadOptions> = {}): DownloadOptions {
    return {
      folder: this.folder,
      http: nodeHttp,
      limits: SHORT_LIMITS,
      disk: realDisk,
      endpoint: this.hub.endpoint,
      signal: new AbortController().signal,
      ...own,
    };
  }

  download(own: Partial<DownloadOptions> = {}, given = `${REPOSITORY}/${FILE}`): Promise<Downloaded> {
    const reference = parseReference(given);
    assert.ok(reference.kind === "hub" || reference.kind === "url");
    return downloadModel(reference, this.options(own));
  }

  /** Nothing that a program could take for a model is there. */
  assertNothingToLoad(): void {
    assert.equal(existsSync(this.target), false, "a half-done file has a model's name");
  }

  /** The whole file is there, and nothing else of the download. */
  assertComplete(): void {
    assert.ok(readFileSync(this.target).equals(this.hub.content), "the file is not what the hub has");
    const beside = readdirSync(join(this.folder, ...REPOSITORY.split("/"))).sort();
    assert.deepEqual(beside, [FILE, `${FILE}.json`]);
  }

  /** It fails with this code and a sentence like this, and no model appears. */
  async assertFails(
    code: ModelsErrorCode,
    says: RegExp,
    own: Partial<DownloadOptions> = {},
    given?: string,
  ): Promise<void> {
    await assert.rejects(this.download(own, given), (error: { code?: string; message?: string }) => {
      assert.equal(error.code, code, error.message);
      assert.match(error.message ?? "", says);
      return true;
    });
    this.assertNothingToLoad();
  }

  savedBytes(): number {
    const saved = JSON.parse(readFileSync(`${this.target}.part.json`, "utf8")) as { done: [number, number][] };
    return saved.done.reduce((sum, [start, end]) => sum + end - start, 0);
  }
}
