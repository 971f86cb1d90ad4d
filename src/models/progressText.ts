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
      return t("asking for the file");
    case "verifying":
      return t("checking what has come: {0} %", Math.floor(partOf(progress) * 100));
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
  catalogue: "verified: as Hearth's catalogue has it",
  user: "verified: as you gave it",
  hub: "verified: as the hub told it",
  program: "as the program that downloaded it told it",
  mirror: "only the server that sent it told this hash",
  none: "nobody told a hash to compare with",
};
