import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { FILE, LoopbackHub, REPOSITORY } from "../../src/models/testing/loopbackHub";
import { writeRandomModel } from "../fixtures/randomModels";
import { type Ended, hearth, ROOT, withFolder } from "./hearth";

const REFERENCE = `${REPOSITORY}/${FILE}`;

interface Shell {
  readonly hub: LoopbackHub;
  readonly folder: string;
  readonly env: NodeJS.ProcessEnv;
  readonly run: (...args: string[]) => Promise<Ended>;
  readonly json: <T>(...args: string[]) => Promise<T>;
}

/** The command line of a user who has an empty home, beside a hub on loopback that has one model. */
function inShell(work: (shell: Shell) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    const hub = await LoopbackHub.start(readFileSync(writeRandomModel("shape4b-q4_0", folder).path));
    const env = {
      HOME: join(folder, "home"),
      XDG_DATA_HOME: join(folder, "data"),
      HEARTH_MODELS: "",
      HF_ENDPOINT: hub.endpoint.href,
      HF_TOKEN: "",
    };
    const run = (...args: string[]): Promise<Ended> => hearth(args, { env, cwd: folder });
    const json = async <T>(...args: string[]): Promise<T> => {
      const { code, stdout, stderr } = await run(...args, "--json");
      assert.equal(code, 0, stderr);
      return JSON.parse(stdout) as T;
    };
    try {
      await work({ hub, folder, env, run, json });
    } finally {
      await hub.stop();
    }
  });
}

describe("hearth models", () => {
  it("downloads a model, which other commands then find by its name; verifies and removes it", () =>
    inShell(async ({ hub, folder, run, json }) => {
      const downloaded = await run("models", "download", REFERENCE);
      assert.equal(downloaded.code, 0, downloaded.stderr);
      const path = join(folder, "data", "hearth", "models", REPOSITORY, FILE);
      assert.match(downloaded.stdout, new RegExp(`is here: ${path}`));
      assert.match(downloaded.stdout, /hash known only from the server that sent the file/);
      assert.ok(readFileSync(path).equals(hub.content));
      const facts = await json<{ file: string }>("inspect", REFERENCE);
      assert.equal(facts.file, path);
      const file = join(folder, "a.ts");
      writeFileSync(file, "let x = 1;\nlet y = ");
      const completed = await run("complete", `${file}:2:9`, "--model", REFERENCE);
      assert.equal(completed.code, 0, completed.stderr);
      const { installed } = await json<{ installed: { reference: string; path: string }[] }>("models", "list");
      assert.deepEqual(
        installed.map((model) => [model.reference, model.path]),
        [[REFERENCE, path]],
      );
      assert.match((await run("models", "verify")).stdout, /unchanged/);
      writeFileSync(path, "damaged");
      const verified = await run("models", "verify", REFERENCE);
      assert.equal(verified.code, 1);
      assert.match(verified.stdout, /damaged or was changed/);
      assert.match((await run("models", "remove", REFERENCE)).stdout, /is deleted/);
      assert.equal(existsSync(dirname(path)), false);
    }));

  it("that is stopped keeps what has come, and goes on from there", () =>
    inShell(async ({ hub, folder, env, run }) => {
      const half = Math.floor(hub.content.length / 2);
      let isFirst = true;
      const child = spawn(process.execPath, [join(ROOT, "dist", "cli.js"), "models", "download", REFERENCE], {
        cwd: folder,
        env: { ...process.env, ...env },
      });
      hub.onContent = (request, response) => {
        if (!isFirst) {
          return false;
        }
        isFirst = false;
        hub.cutAfter(request, response, half, "hang");
        setTimeout(() => child.kill("SIGINT"), 300);
        return true;
      };
      let stderr = "";
      child.stderr.on("data", (data: Buffer) => (stderr += data.toString()));
      const [code] = (await once(child, "close")) as [number];
      assert.equal(code, 1);
      assert.match(stderr, /stopped; what was downloaded is kept/);
      const { stdout } = await run("models", "list");
      assert.match(stdout, /Unfinished downloads\n {2}Tiiny/);
      assert.match(
        stdout,
        /smallthinker-4b-instruct .*(; expected: [\d.]+( to [\d.]+)? tokens a second|Needs at least)/,
      );
      assert.match(stdout, /cores, memory read at \d.* a second\./);
      const { code: second, stderr: problem } = await run("models", "download", REFERENCE);
      assert.equal(second, 0, problem);
      assert.ok(hub.sentBytes < hub.content.length * 1.1, "it began anew");
    }));

  it("uses files in place: those of other programs, or one that is named", () =>
    inShell(async ({ hub, folder, run, json }) => {
      assert.match((await run("models", "import")).stdout, /no model that Hearth can use was found/);
      const other = join(folder, "home", ".lmstudio", "models", "pub", "repo", "m.gguf");
      mkdirSync(dirname(other), { recursive: true });
      writeFileSync(other, hub.content);
      const [found] = await json<{ path: string; owned: boolean }[]>("models", "import");
      assert.deepEqual([found?.path, found?.owned], [other, false]);
      assert.equal((await json<{ file: string }>("inspect", "pub/repo/m.gguf")).file, other);
      assert.match((await run("models", "remove", "pub/repo/m.gguf")).stdout, /is forgotten; the file stays/);
      assert.ok(existsSync(other));
      const own = join(folder, "own.gguf");
      writeFileSync(own, hub.content);
      assert.equal((await run("models", "import", "own.gguf")).code, 0);
      assert.match((await run("models", "list")).stdout, new RegExp(`used in place: ${own}`));
    }));

  it("uses the files of other programs that are whole, and says of each that is not what is wrong", () =>
    inShell(async ({ hub, folder, run }) => {
      const lmStudio = join(folder, "home", ".lmstudio", "models", "pub", "repo");
      const blobs = join(folder, "home", ".ollama", "models", "blobs");
      const manifests = join(folder, "home", ".ollama", "models", "manifests", "registry", "library", "m");
      for (const made of [lmStudio, blobs, manifests]) {
        mkdirSync(made, { recursive: true });
      }
      writeFileSync(join(lmStudio, "m.gguf"), hub.content);
      const digest = "e".repeat(64);
      writeFileSync(join(blobs, `sha256-${digest}`), hub.content);
      const layer = { mediaType: "application/vnd.ollama.image.model", digest: `sha256:${digest}` };
      writeFileSync(join(manifests, "latest"), JSON.stringify({ layers: [layer] }));
      const { code, stdout, stderr } = await run("models", "import");
      assert.equal(code, 1);
      assert.match(stdout, /pub\/repo\/m\.gguf .*used in place/);
      assert.match(
        stderr,
        /^hearth: cannot use '.*': its SHA-256 is .* so it is damaged; let its program download it again$/m,
      );
    }));

  const refused: readonly (readonly [string, readonly string[], number, RegExp])[] = [
    ["no action", ["models"], 2, /models takes one of list, download/],
    ["another action", ["models", "fetch"], 2, /models takes one of list, download/],
    ["no name", ["models", "download"], 2, /models download takes one model/],
    ["a name that is none", ["models", "download", "??"], 1, /names no model: .* "hearth models list"/],
    ["a path", ["models", "download", "./x.gguf"], 1, /use it in place with "hearth models import"/],
    ["a hash that is none", ["models", "download", REFERENCE, "--sha256", "x"], 2, /64 hexadecimal digits/],
    ["a mirror that is none", ["models", "download", REFERENCE, "--mirror", "x"], 1, /is not the address of a mirror/],
    ["a file that the hub has not", ["models", "download", "no/such/x.gguf"], 1, /has no such file; check the name/],
    ["to remove what is not there", ["models", "remove", "no/such/x.gguf"], 1, /there is no model .* here/],
    ["to verify what is not there", ["models", "verify", "no/such/x.gguf"], 1, /there is no model .* here/],
    [
      "to import no model",
      ["models", "import", "x.txt"],
      1,
      /not a model that Hearth can use: .* the file does not begin|is not a model/,
    ],
    [
      "a catalogue's model that is not here",
      ["inspect", "smallthinker-4b-instruct"],
      1,
      /get it with "hearth models download/,
    ],
  ];
  it("says in a sentence what is wrong, and what to do", () =>
    inShell(async ({ folder, run }) => {
      writeFileSync(join(folder, "x.txt"), "text");
      for (const [what, args, code, says] of refused) {
        const ended = await run(...args);
        assert.equal(ended.code, code, `${what}: ${ended.stderr}${ended.stdout}`);
        assert.match(ended.stderr + ended.stdout, says, what);
        assert.ok(ended.stderr.trim().split("\n").length <= 1, ended.stderr);
        assert.doesNotMatch(ended.stderr, /internal error|\n {4}at /, what);
      }
    }));
});
