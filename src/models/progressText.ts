import type { DownloadProgress, HashSource } from "../protocol/models";
import { formatBytes, formatDuration } from "./size";

/** From 0 to 1; 0 while the length is not known. */
export function partOf({ doneBytes, totalBytes }: DownloadProgress): number {
  return totalBytes === 0 ? 0 : doneBytes / totalBytes;
}

/** "1.1 GB of 2.5 GB, 35 MB/s, 40 s left". */
export function progressText(progress: DownloadProgress): string {
  const { phase, doneBytes, totalBytes, bytesPerSecond, note } = progress;
  const amount = totalBytes === 0 ? "" : `${formatBytes(doneBytes)} of ${formatBytes(totalBytes)}`;
  switch (phase) {
    case "resolving":
      return "asking for the file";
    case "verifying":
      return `checking what has come: ${String(Math.floor(partOf(progress) * 100))} %`;
    case "waiting":
      return [amount, note ?? "waiting"].filter((part) => part !== "").join(", ");
    case "downloading": {
      if (bytesPerSecond === undefined || bytesPerSecond <= 0) {
        return amount;
      }
      const left = formatDuration((totalBytes - doneBytes) / bytesPerSecond);
      return `${amount}, ${formatBytes(bytesPerSecond)}/s, ${left} left`;
    }
  }
}

/** Whose word a file's hash is, in a clause; only the first three were checked against somebody who knows. */
export const HASH_WORDS: Readonly<Record<HashSource, string>> = {
  catalogue: "verified: as Hearth's catalogue has it",
  user: "verified: as you gave it",
  hub: "verified: as the hub told it",
  program: "as the program that downloaded it told it",
  mirror: "only the server that sent it told this hash",
  none: "nobody told a hash to compare with",
};
