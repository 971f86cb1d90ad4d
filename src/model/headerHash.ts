import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import type { GgufModel } from "./ggufFile";

/**
 * SHA-256, in hex, of all that comes before a model's weights: its metadata, vocabulary and table of tensors. Two files of one size that
 * share it may still differ in their weights. Errors: those of the file system.
 */
export async function headerHash({
  identity,
  headerBytes,
}: Pick<GgufModel, "identity" | "headerBytes">): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(identity.path, { end: headerBytes - 1 })) {
    hash.update(chunk as Buffer);
  }
  return hash.digest("hex");
}
