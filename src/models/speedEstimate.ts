import { defaultMemoryBudget } from "../machineMemory";
import type { BudgetOffer, CatalogueFile, ExpectedSpeed, MachineFacts } from "../protocol/models";
import { decimal } from "../protocol/decimal";
import { inEnglish, type Translate } from "../protocol/translate";
import type { MemorySpeed } from "./memorySpeed";

/**
 * Of what memory gives, so much becomes tokens. docs/performance.md has 80 to 84 % with two threads, for both shapes of SmallThinker;
 * other formats (Q4_K), more threads, and other programs leave less.
 */
const REACHED = { least: 0.5, most: 0.9 };
/** Of a token's bytes those of experts: a half, by the same measurements (255 of 552 MB); the rest is always in memory. */
const EXPERT_PART = 0.5;
/**
 * Experts that are read from the drive for a token, as a part of those that do not fit: all of them where tokens want what others did not,
 * a sixth where they want the same (a 4B in 1 GiB, of which a third fits: 11 %).
 */
const MISSED = { most: 1, least: 1 / 6 };
/** Bytes a second: an old SSD over SATA, and a drive over PCIe. It is not measured: what was read lately would be read from memory. */
const DRIVE = { least: 0.5e9, most: 3e9 };

/**
 * Tokens a second that a model is expected to write on this machine, as a range. Decoding reads each weight of a token once and computes
 * next to nothing with it, so time is bytes of a token by speed of memory; what does not fit in the budget comes from the drive.
 *
 * @param budgetBytes that an engine may take; default: what it takes where nothing is set.
 */
export function expectedSpeed(
  { bytes, bytesPerToken }: Pick<CatalogueFile, "bytes" | "bytesPerToken">,
  { memoryBytes }: Pick<MachineFacts, "memoryBytes">,
  { leastBytesPerSecond, mostBytesPerSecond }: Pick<MemorySpeed, "leastBytesPerSecond" | "mostBytesPerSecond">,
  budgetBytes = defaultMemoryBudget({ bytes: memoryBytes, by: "machine" }),
): ExpectedSpeed {
  const missing = Math.min(1, Math.max(0, 1 - budgetBytes / bytes));
  const seconds = (memory: number, missed: number, drive: number): number =>
    bytesPerToken / memory + (bytesPerToken * EXPERT_PART * missing * missed) / drive;
  return {
    leastTps: 1 / seconds(leastBytesPerSecond * REACHED.least, MISSED.most, DRIVE.least),
    mostTps: 1 / seconds(mostBytesPerSecond * REACHED.most, MISSED.least, DRIVE.most),
    dependsOnDrive: missing > 0,
  };
}

/** "10 to 25 tokens a second". Rounded, as it is not known better. */
export function speedText({ leastTps, mostTps, dependsOnDrive }: ExpectedSpeed, t: Translate = inEnglish): string {
  const [least, most] = [round(leastTps), round(mostTps)];
  const range = least === most ? least : t("{0} to {1}", least, most);
  return dependsOnDrive ? t("{0} tokens a second, depending on the drive", range) : t("{0} tokens a second", range);
}

/** To one significant digit and a half: 0.5, 3, 12, 35, 120. */
function round(tps: number): string {
  if (tps < 1) {
    return decimal(Math.max(0.1, tps), 1, 1);
  }
  const step = tps < 10 ? 1 : tps < 20 ? 2 : tps < 100 ? 5 : 20;
  return decimal(Math.max(1, Math.round(tps / step) * step));
}

/** "412 of 1024 experts stay in memory". */
export function expertsText(
  { experts, expertsInAll }: Pick<BudgetOffer, "experts" | "expertsInAll">,
  t: Translate = inEnglish,
): string {
  return experts >= expertsInAll
    ? t("all {0} experts stay in memory", expertsInAll)
    : t("about {0} of {1} experts stay in memory", experts, expertsInAll);
}
