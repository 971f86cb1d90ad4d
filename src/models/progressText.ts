import type { DownloadProgress, HashSource } from "../protocol/models";
import { inEnglish, type Translate } from "../protocol/translate";
import { formatBytes, formatDuration } from "./size";

/** From 0 to 1; 0 while the length is not known. */
export function partOf({ doneBytes, totalBytes }: DownloadProgress): number {
  return totalBytes === 0 ? 0 : doneBytes / totalBytes;
}

/** "1.1 GB of 2.5 GB, 35 MB/s, 40 s left". */
export function progressText(progress: DownloadProgress, t: Translate = inEnglish): string {
  const { phase, doneBytes, totalBytes, bytesPerSecond, note } = progress;
  const amount = totalBytes === 0 ? "" : t("{0} of {1}", formatBytes(doneBytes), formatBytes(totalBytes));
  switch (phase) {
    case "resolving":
      return t("requesting the file");
    case "verifying":
      return t("verifying: {0} %", Math.floor(partOf(progress) * 100));
    case "waiting":
      return [amount, note ?? t("waiting")].filter((part) => part !== "").join(", ");
    case "downloading": {
      if (bytesPerSecond === undefined || bytesPerSecond <= 0) {
        return amount;
      }
      const left = formatDuration((totalBytes - doneBytes) / bytesPerSecond);
      return t("{0}, {1}/s, {2} left", amount, formatBytes(bytesPerSecond), left);
    }
  }
}

/** Whose word a file's hash is, in a clause; only the first three were checked against somebody who knows. */
export const HASH_WORDS: Readonly<Record<HashSource, string>> = {
  catalogue: "verified against Hearth's catalogue",
  user: "verified against the hash you gave",
  hub: "verified against the hub's hash",
  program: "hash as given by the program that downloaded it",
  mirror: "hash known only from the server that sent the file",
  none: "no hash to compare with",
};
