import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { Page } from "playwright-core";
import { launchBrowser } from "../../tools/vscode/browser.mjs";
import { endEngines, enginePids } from "../../tools/vscode/engineProcesses.mjs";
import { TEST_SETTINGS } from "../../tools/vscode/hostTests.mjs";
import { installServer, NEWEST } from "../../tools/vscode/install.mjs";
import { installVsix, type Server, startServer, workbenchUrl } from "../../tools/vscode/server.mjs";
import type { ChatMessage } from "../../src/protocol/engine";
import { ROOT, Workbench } from "./workbench";

const VSIX = join(ROOT, "build", `hearth-${process.platform}-${process.arch}.vsix`);

export interface EditorOptions {
  /** Names the artefacts. */
  readonly name: string;
  /** Path in the workspace to text. */
  readonly files: Readonly<Record<string, string>>;
  readonly version?: string;
  /** A scripted engine instead of Hearth's own; see test/scriptedEngine. */
  readonly scripted?: boolean;
  /** Extensions that are there too: their manifests; they do nothing. */
  readonly others?: readonly { readonly publisher: string; readonly name: string; readonly version: string }[];
  /** A workspace file among `files`, which is opened instead of their folder. */
  readonly workspaceFile?: string;
  /** Over those of the tests, which keep IntelliSense out of the way. */
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Of the window; default: that of the tests, a pixel of the page being one of the picture. */
  readonly size?: { readonly width: number; readonly height: number; readonly pixelRatio: number };
  /** Of the interface, as VS Code calls it. Its own texts stay English: there is no language pack. */
  readonly language?: string;
  /** For extensions and what they start. */
  readonly env?: Readonly<Record<string, string>>;
}

interface Places {
  readonly workspace: string;
  /** The engine's. */
  readonly runtime: string;
  /** Of VS Code. */
  readonly server: string;
  /** Written by the scripted engine. */
  readonly asked: string;
}

/** A VS Code of its own with Hearth as it is packaged, and a workspace. */
export class Editor extends Workbench {
  private constructor(
    name: string,
    page: Page,
    private readonly server: Server,
    private readonly places: Places,
    private readonly remove: () => Promise<void>,
  ) {
    super(name, page, server.host);
  }

  static async open({
    name,
    files,
    version = NEWEST,
    settings = {},
    others = [],
    scripted = false,
    workspaceFile = "",
    env = {},
    language,
    size: { width, height, pixelRatio } = { width: 1280, height: 800, pixelRatio: 1 },
  }: EditorOptions): Promise<Editor> {
    assert.ok(existsSync(VSIX), `'${VSIX}' is not there to be tested; npm run package`);
    await installServer(version);
    // Short: sockets lie below it.
    const folder = mkdtempSync(join(tmpdir(), "he-"));
    const places = {
      workspace: join(folder, "workspace"),
      runtime: join(folder, "engine"),
      server: join(folder, "server"),
      asked: join(folder, "asked.jsonl"),
    };
    const { workspace, runtime } = places;
    const ends: (() => Promise<void>)[] = [];
    const remove = async () => {
      for (const end of ends) {
        await end();
      }
      await endEngines(runtime);
      rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
    };
    try {
      for (const [path, text] of Object.entries(files)) {
        mkdirSync(dirname(join(workspace, path)), { recursive: true });
        writeFileSync(join(workspace, path), text);
      }
      const extensions = join(folder, "extensions");
      await installVsix(version, extensions, VSIX);
      for (const other of others) {
        addExtension(extensions, other);
      }
      const server = await startServer({
        version,
        folder,
        extensions,
        settings: { ...TEST_SETTINGS, ...settings },
        env: {
          HEARTH_MODELS: join(folder, "models"),
          ...env,
          HEARTH_RUNTIME_DIR: runtime,
          ...(scripted ? await scriptedEngine(places.asked) : {}),
        },
        onSpawn: (stop) => ends.push(stop),
      });
      const browser = await launchBrowser();
      ends.unshift(() => browser.close());
      // Pages of one context share what the browser stores, as windows of one user do.
      const context = await browser.newContext({ viewport: { width, height }, deviceScaleFactor: pixelRatio });
      if (language !== undefined) {
        await context.addInitScript(`globalThis._VSCODE_NLS_LANGUAGE = ${JSON.stringify(language)}`);
      }
      const page = await context.newPage();
      const editor = new Editor(name, page, server, places, remove);
      await page.goto(workbenchUrl(server, join(workspace, workspaceFile)));
      await editor.statusItem.waitFor();
      return editor;
    } catch (error) {
      await remove();
      throw error;
    }
  }

  /** Ends everything, and fails if there was something to complain about. */
  async close(): Promise<void> {
    await this.remove();
    assert.deepEqual(this.complaints, []);
  }

  /** Saves the active document. Resolves with what is then on the disk, once `wanted` agrees. */
  async saved(path: string, wanted: (text: string) => boolean): Promise<string> {
    await this.press("Control+s");
    return this.until(`'${path}' is saved`, () => {
      const text = this.onDisk(path);
      // It is emptied first.
      return text !== "" && wanted(text) && text;
    });
  }

  /** Writes a file of the workspace, as another program. */
  write(path: string, text: string): void {
    const file = join(this.places.workspace, path);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  /** A second window of the same user, on the same folder, while `work` runs. */
  async inAnotherWindow(work: (other: Workbench) => Promise<void>): Promise<void> {
    const page = await this.page.context().newPage();
    try {
      const other = new Workbench(`${this.name}-other`, page, this.server.host);
      await page.goto(workbenchUrl(this.server, this.places.workspace));
      await other.ready();
      await work(other);
      assert.deepEqual(other.complaints, []);
    } finally {
      await page.close();
    }
  }

  /** The window is closed and opened again; meanwhile its engine ends, as where the user logs out. */
  async reopenWithNewEngine(): Promise<void> {
    await this.page.goto("about:blank");
    const before = this.enginePids();
    for (const pid of before) {
      process.kill(pid, "SIGTERM");
    }
    await this.until("the engine ends", () => this.enginePids().every((pid) => !before.includes(pid)));
    await this.page.goto(workbenchUrl(this.server, this.places.workspace));
    await this.statusItem.waitFor();
  }

  /** A file of the workspace. */
  onDisk(path: string): string {
    return readFileSync(join(this.places.workspace, path), "utf8");
  }

  /** The user's text of each request to the scripted engine; the oldest first. */
  asked(): string[] {
    const { asked } = this.places;
    const lines = existsSync(asked) ? readFileSync(asked, "utf8").trimEnd().split("\n") : [];
    return lines.map((line) => {
      const messages = JSON.parse(line) as readonly ChatMessage[];
      return messages.findLast(({ role }) => role === "user")?.content ?? "";
    });
  }

  /** Of the workspace; undefined where nothing was set there. */
  workspaceSettings(): string | undefined {
    const file = join(this.places.workspace, ".vscode", "settings.json");
    return existsSync(file) ? readFileSync(file, "utf8") : undefined;
  }

  /** Of the user, as they are on the disk. */
  userSettings(): Readonly<Record<string, unknown>> {
    const file = join(this.places.server, "data", "User", "settings.json");
    return JSON.parse(readFileSync(file, "utf8")) as Record<string, unknown>;
  }

  enginePids(): number[] {
    return enginePids(this.places.runtime);
  }

  /** After a test that failed: what there was to see, and what the server said. */
  async keep(title: string): Promise<void> {
    const path = await this.screenshot(`failed-${title.replaceAll(/[^\w]+/g, "-")}`);
    cpSync(this.server.logFile, path.replace(/png$/, "log"));
  }
}

let bundled: Promise<unknown> | undefined;

/** What the extension and the engine are told by; see test/scriptedEngine/main.ts. */
async function scriptedEngine(asked: string): Promise<Record<string, string>> {
  bundled ??= promisify(execFile)(process.execPath, [join(ROOT, "test", "scriptedEngine", "bundle.mjs")], {
    cwd: ROOT,
  });
  await bundled;
  return {
    HEARTH_ENGINE_SCRIPT: join(ROOT, "dist-test", "scriptedEngine", "engine.js"),
    HEARTH_ASKED_FILE: asked,
  };
}

/** As if it had been installed: its folder, and its entry in the list of what is installed. */
function addExtension(extensions: string, manifest: NonNullable<EditorOptions["others"]>[number]): void {
  const { publisher, name, version } = manifest;
  const relativeLocation = `${publisher}.${name}-${version}`;
  const folder = join(extensions, relativeLocation);
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ main: "main.js", ...manifest }));
  writeFileSync(join(folder, "main.js"), "exports.activate = () => undefined;");
  const list = join(extensions, "extensions.json");
  const installed = JSON.parse(readFileSync(list, "utf8")) as unknown[];
  const location = { $mid: 1, path: folder, scheme: "file" };
  installed.push({ identifier: { id: `${publisher}.${name}` }, version, location, relativeLocation, metadata: {} });
  writeFileSync(list, JSON.stringify(installed));
}

/** One editor for the tests of a suite; a test that fails leaves a picture. */
export function editorForSuite(options: EditorOptions): { readonly current: Editor } {
  let editor: Editor | undefined;
  before(async function () {
    this.timeout(600_000);
    editor = await Editor.open(options);
  });
  afterEach(async function () {
    if (this.currentTest?.state === "failed") {
      await editor?.keep(this.currentTest.title);
    }
  });
  after(async function () {
    this.timeout(600_000);
    await editor?.close();
  });
  return {
    get current() {
      assert.ok(editor, "the editor is not open");
      return editor;
    },
  };
}
