import { isAbsolute, relative, sep } from "node:path";

/** Relative to here where it lies below, with forward slashes; never a path of the machine. */
export function promptPath(file: string): string {
  const path = isAbsolute(file) ? relative(workingFolder(), file) : file;
  const parts = path.split(sep).filter((part) => part !== "" && part !== ".");
  return parts.includes("..") ? (parts[parts.length - 1] ?? "") : parts.join("/");
}

/** It may have been deleted. */
function workingFolder(): string {
  try {
    return process.cwd();
  } catch {
    return "/";
  }
}
