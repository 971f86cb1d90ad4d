import { createHash } from "node:crypto";
import { open } from "node:fs/promises";
import { stopped } from "./patience";

const BLOCK_BYTES = 4 * 2 ** 20;

/** SHA-256 of a file in lower-case hex. Errors: ModelsError `stopped`; the file system's. */
export async function sha256OfFile(
  path: string,
  signal: AbortSignal,
  onBytes: (done: number) => void = () => undefined,
): Promise<string> {
  const hash = createHash("sha256");
  const file = await open(path, "r");
  try {
    const block = Buffer.alloc(BLOCK_BYTES);
    for (let done = 0; ;) {
      if (signal.aborted) {
        throw stopped();
      }
      const { bytesRead } = await file.read(block, 0, BLOCK_BYTES, done);
      if (bytesRead === 0) {
        return hash.digest("hex");
      }
      hash.update(block.subarray(0, bytesRead));
      done += bytesRead;
      onBytes(done);
    }
  } finally {
    await file.close();
  }
}
