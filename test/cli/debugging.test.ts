import assert from "node:assert/strict";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { EngineClient } from "../../src/engine/client/client";
import { isEngineRunning } from "../../src/engine/client/engineProcess";
import { ROOT } from "./hearth";

/** The launch configurations and tasks of .vscode/, done as the editor would do them. */

interface Configuration {
  readonly name: string;
  readonly type: string;
  readonly request: "launch" | "attach";
  readonly program?: string;
  readonly args?: readonly string[];
  readonly env?: NodeJS.ProcessEnv;
  readonly port?: number;
  readonly outFiles?: readonly string[];
  readonly preLaunchTask?: string;
}

interface Launch {
  readonly configurations: readonly Configuration[];
  readonly compounds: readonly { readonly name: string; readonly configurations: readonly string[] }[];
  readonly inputs: readonly { readonly id: string; readonly description: string }[];
}

interface Matcher {
  readonly pattern: { readonly regexp: string };
}

interface Task {
  readonly label: string;
  readonly command?: string;
  readonly args?: readonly string[];
  readonly script?: string;
  readonly dependsOn?: readonly string[];
  readonly problemMatcher: Matcher | readonly string[];
}

/** Comments stand on lines of their own. */
const read = (name: string): unknown =>
  JSON.parse(readFileSync(join(ROOT, ".vscode", name), "utf8").replaceAll(/^\s*\/\/.*$/gm, ""));

/** What VS Code has without any extension that is not its own. */
const MATCHERS = ["$tsc", "$eslint-stylish"];
const WAIT_LIMIT_MS = 30_000;

const launch = read("launch.json") as Launch;
const { tasks } = read("tasks.json") as { readonly tasks: readonly Task[] };

function configuration(name: string): Configuration {
  const found = launch.configurations.find((each) => each.name === name);
  assert.ok(found, `there is no '${name}'`);
  return found;
}

function task(label: string): Task {
  const found = tasks.find((each) => each.label === label);
  assert.ok(found, `there is no task '${label}'`);
  return found;
}

async function until<T>(what: string, condition: () => T | undefined | false | Promise<T | undefined | false>) {
  const deadline = performance.now() + WAIT_LIMIT_MS;
  for (;;) {
    const found = await condition();
    if (found !== undefined && found !== false) {
      return found;
    }
    assert.ok(performance.now() < deadline, `waited in vain until ${what}`);
    await sleep(20);
  }
}

describe("a launch configuration", () => {
  /** Where the repository's files are, and what is made is not in the way of an engine that somebody debugs. */
  let workspace: string;
  const running: ChildProcess[] = [];

  before(() => {
    // Short: a socket's path is.
    workspace = mkdtempSync(join(tmpdir(), "hd-"));
    for (const name of readdirSync(ROOT).filter((each) => each !== ".cache")) {
      symlinkSync(join(ROOT, name), join(workspace, name));
    }
    // The build makes it.
    mkdirSync(join(workspace, ".cache"));
  });

  afterEach(async () => {
    for (const child of running
      .splice(0)
      .filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)) {
      const ended = new Promise((resolve) => child.once("close", resolve));
      child.kill();
      await ended;
    }
  });

  after(() => {
    rmSync(workspace, { recursive: true });
  });

  const filledIn = (text: string, file = ""): string =>
    text.replaceAll("${workspaceFolder}", workspace).replaceAll("${relativeFile}", file);
  const environment = ({ env = {} }: Configuration): NodeJS.ProcessEnv => ({
    ...process.env,
    ...Object.fromEntries(Object.entries(env).map(([name, value]) => [name, filledIn(value ?? "")])),
  });

  /** A program of Node's with the debugger's options, as far as they are none of its own. */
  function start(name: string, options: readonly string[] = [], file = ""): ChildProcess & { said: string } {
    const { program = "", args = [], ...rest } = configuration(name);
    const child = spawn(process.execPath, [...options, filledIn(program), ...args.map((arg) => filledIn(arg, file))], {
      cwd: workspace,
      env: environment({ ...rest, name }),
      stdio: ["ignore", "pipe", "pipe"],
    });
    const started = Object.assign(child, { said: "" });
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        started.said += text;
      });
    }
    running.push(child);
    return started;
  }

  it("names tasks, configurations and inputs that there are", () => {
    for (const { preLaunchTask } of launch.configurations) {
      if (preLaunchTask !== undefined) {
        task(preLaunchTask);
      }
    }
    for (const name of launch.compounds.flatMap(({ configurations }) => configurations)) {
      configuration(name);
    }
    const asked = JSON.stringify(launch.configurations).matchAll(/\$\{input:(\w+)\}/g);
    assert.deepEqual(new Set([...asked].map(([, id]) => id)), new Set(launch.inputs.map(({ id }) => id)));
  });

  it("stops at breakpoints in the source of each program that it runs", () => {
    for (const { name, outFiles = [] } of launch.configurations) {
      for (const pattern of outFiles) {
        const folder = filledIn(pattern).replace(/\/\*\.js$/, "");
        for (const program of ["extension.js", "engine.js"]) {
          assert.match(readFileSync(join(folder, program), "utf8"), /\/\/# sourceMappingURL=\S+\n?$/, name);
          const map = JSON.parse(readFileSync(join(folder, `${program}.map`), "utf8")) as { sources: string[] };
          const own = map.sources.filter((source) => source.startsWith("../src/"));
          assert.ok(own.length > 0 && own.every((source) => existsSync(join(ROOT, "dist", source))), program);
        }
      }
    }
  });

  it("of the extension opens a window on this folder's extension and the sample", () => {
    const { args = [], env } = configuration("Extension");
    const [folder = "", ...rest] = args.map((arg) => filledIn(arg));
    const manifest = join(folder.replace("--extensionDevelopmentPath=", ""), "package.json");
    const { main } = JSON.parse(readFileSync(manifest, "utf8")) as { main: string };
    assert.ok(existsSync(join(workspace, main)));
    const copy = task("sample folder");
    assert.equal(spawnSync(copy.command!, copy.args, { cwd: workspace, stdio: "inherit" }).status, 0);
    assert.deepEqual(readdirSync(rest.at(-1)!).sort(), readdirSync(join(ROOT, "media", "sample")).sort());
    // In the compound the window has to find the engine that is debugged.
    assert.deepEqual(env, configuration("Engine").env);
  });

  it("of the engine starts the one that windows find, and a debugger of C++ can attach to", async () => {
    const child = start("Engine");
    const env = environment(configuration("Extension"));
    await until("the engine listens", async () => {
      assert.equal(child.exitCode, null, child.said);
      return existsSync(env["HEARTH_RUNTIME_DIR"]!) && isEngineRunning(env);
    });
    const client = new EngineClient({ name: "test", engineScript: join(ROOT, "dist", "engine.js"), env });
    try {
      await client.start();
      assert.equal((await client.stats()).pid, child.pid);
    } finally {
      client.dispose();
    }
    const program = configuration("Engine: attach gdb").program ?? "";
    assert.ok(process.platform !== "linux" || existsSync(program.replace("${input:engineProcess}", String(child.pid))));
    const titles = JSON.parse(readFileSync(join(ROOT, "package.nls.json"), "utf8")) as Readonly<Record<string, string>>;
    const command = /"Process" in Hearth: (.+)$/.exec(launch.inputs[0]?.description ?? "")?.[1];
    assert.ok(Object.values(titles).includes(command ?? ""), launch.inputs[0]?.description);
  });

  it("attaches to an engine whose inspector was opened at its start, though it has no network since", async () => {
    const { port } = configuration("Engine: attach to its inspector");
    // Of --inspect without a number; another program may have it now.
    assert.equal(port, process.debugPort);
    const child = start("Engine", ["--inspect=127.0.0.1:0"]);
    const address = await until("the inspector listens", () => /ws:\/\/(127\.0\.0\.1:\d+)\//.exec(child.said)?.[1]);
    await until("the engine listens", () => isEngineRunning(environment(configuration("Engine"))));
    const targets = (await (await fetch(`http://${address}/json/list`)).json()) as { title: string; url: string }[];
    assert.match(targets[0]?.url ?? "", /dist\/engine\.js$/);
  });

  it("runs the unit tests of a file", async () => {
    const child = start("Unit tests of this file", [], "src/processes.test.ts");
    await new Promise((resolve) => child.once("close", resolve));
    assert.equal(child.exitCode, 0, child.said);
    assert.match(child.said, /3 passing/);
  });
});

describe("a task", () => {
  it("begins with tasks and scripts that there are", () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { scripts: object };
    for (const { dependsOn = [], script } of tasks) {
      dependsOn.forEach(task);
      assert.ok(script === undefined || script in scripts, script);
    }
  });

  it("runs suites that there are", () => {
    const { stderr } = spawnSync(process.execPath, ["tools/test.mjs", "--only", "none"], {
      cwd: ROOT,
      encoding: "utf8",
    });
    const suites = /the suites are (.+)/.exec(stderr)?.[1]?.split(", ") ?? [];
    for (const { command = "" } of tasks.filter(({ command }) => command?.startsWith("npm ") === true)) {
      const suite = /^npm test -- --only (\w+)$/.exec(command)?.[1];
      assert.ok(suites.includes(suite ?? ""), `'${command}' runs none of ${suites.join(", ")}`);
    }
  });

  it("of one line of JavaScript is one, and runs files that there are", () => {
    for (const { label, args = [] } of tasks) {
      if (args[0] === "-e") {
        const code = args[1] ?? "";
        assert.equal(spawnSync(process.execPath, ["--check", "-"], { input: code }).status, 0, label);
        const [tool] = /node_modules\/[^']+/.exec(code) ?? [];
        assert.ok(tool === undefined || existsSync(join(ROOT, tool)), tool);
      }
    }
  });

  it("lists problems in a way that every editor knows", () => {
    for (const { label, problemMatcher } of tasks) {
      if ("pattern" in problemMatcher) {
        const found = new RegExp(problemMatcher.pattern.regexp).exec(
          "/a/native/base/cpu.cc:12:3: error: 'x' was not declared",
        );
        assert.deepEqual(found?.slice(1), ["/a/native/base/cpu.cc", "12", "3", "error", "'x' was not declared"]);
      } else {
        assert.deepEqual(
          problemMatcher.filter((name) => !MATCHERS.includes(name)),
          [],
          label,
        );
      }
    }
  });
});
