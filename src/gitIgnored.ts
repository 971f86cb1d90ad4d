import { execFile } from "node:child_process";

const LIMIT_MS = 10_000;
const OUTPUT_BYTES_MAX = 2 ** 24;

/** Those of the files in a folder that Git ignores; none where there is no Git or no repository. For trusted folders only. */
export function gitIgnored(folder: string, files: readonly string[]): Promise<readonly string[]> {
  if (files.length === 0) {
    return Promise.resolve([]);
  }
  return new Promise((resolve) => {
    const options = { cwd: folder, timeout: LIMIT_MS, maxBuffer: OUTPUT_BYTES_MAX };
    // Its exit status says whether any is ignored, or that this is no repository.
    const git = execFile("git", ["check-ignore", "-z", "--stdin"], options, (_error, stdout) => {
      resolve(stdout.split("\0").filter((path) => path !== ""));
    });
    git.stdin?.on("error", () => undefined);
    git.stdin?.end(files.join("\0"));
  });
}
