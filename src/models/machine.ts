import { statfs } from "node:fs/promises";
import { availableParallelism } from "node:os";
import { dirname } from "node:path";
import { memoryLimit } from "../machineMemory";
import type { MachineFacts } from "../protocol/models";

/** What there is to choose a model by. @param folder where models will lie; it need not exist. */
export async function machineFacts(folder: string): Promise<MachineFacts> {
  const { bytes, by } = memoryLimit();
  return {
    memoryBytes: bytes,
    memoryLimited: by === "controlGroup",
    freeDiskBytes: await freeBytesNear(folder),
    cores: availableParallelism(),
  };
}

/** At the nearest folder that exists. */
async function freeBytesNear(folder: string): Promise<number> {
  for (let at = folder; ; at = dirname(at)) {
    const info = await statfs(at).catch(() => undefined);
    if (info !== undefined) {
      return info.bavail * info.bsize;
    }
    if (dirname(at) === at) {
      return 0;
    }
  }
}
