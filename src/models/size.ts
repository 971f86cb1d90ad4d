import { decimal } from "../protocol/decimal";

/** "2.5 GB", "130 MB", "12 kB": powers of a thousand, as drives and file managers count. */
export function formatBytes(bytes: number): string {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000;
    unit += 1;
  }
  const digits = unit >= 3 && value < 99.5 ? 1 : 0;
  return `${decimal(value, digits, digits)} ${units[unit] ?? ""}`;
}

/** "3 min", "40 s", "2 h 5 min". */
export function formatDuration(seconds: number): string {
  if (seconds < 60) {
    return `${String(Math.max(1, Math.round(seconds)))} s`;
  }
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${String(minutes)} min` : `${String(Math.floor(minutes / 60))} h ${String(minutes % 60)} min`;
}
