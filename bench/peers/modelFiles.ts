/** What is measured: a file that is there, or one of a family's shape that is made for the run and deleted after it. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { SHAPES } from "../modelShapes";

const ROOT = join(__dirname, "..", "..");

/**
 * Calls `work` with the path of a model: `given` itself, or where that is the name of a shape and no file, that of a new file in
 * `folder`, which is deleted whatever happens. Errors: the file cannot be made; the disk's free space is told by bench/syntheticModel.ts.
 */
export async function withModel<T>(given: string, folder: string, work: (path: string) => Promise<T>): Promise<T> {
  if (existsSync(given) || !Object.hasOwn(SHAPES, given)) {
    return work(given);
  }
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${given}-shape.gguf`);
  const remove = (): void => rmSync(path, { force: true });
  process.once("exit", remove);
  try {
    await make(given, path);
    return await work(path);
  } finally {
    remove();
    process.removeListener("exit", remove);
  }
}

async function make(shape: string, path: string): Promise<void> {
  const args = ["--import", "tsx", join(ROOT, "bench", "syntheticModel.ts"), shape, path];
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] });
  const end = (): void => void child.kill("SIGKILL");
  process.once("exit", end);
  const [code] = (await once(child, "exit")) as [number | null];
  process.removeListener("exit", end);
  if (code !== 0) {
    throw new Error(`no file of the shape ${shape} could be made`);
  }
}
