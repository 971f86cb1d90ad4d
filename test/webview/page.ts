import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { basename, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Browser, BrowserContext, Page } from "playwright-core";
import type { ChatViewState, HostMessage, ViewMessage } from "../../src/protocol/chat";
import { launchBrowser } from "../../tools/vscode/browser.mjs";
import { chatPage, type Translation } from "../../webview/chat/page";
import themes from "./themes.json";

/** The chat view as VS Code would show it, in a browser, with a test in the host's place. */

const ROOT = join(import.meta.dirname, "..", "..");
const DIST = join(ROOT, "dist");
export const PICTURES = join(ROOT, ".cache", "screenshots", "webview");
const WAIT_LIMIT_MS = 20_000;
const NONCE = "bm9uY2U";

/** Variables of VS Code's own themes, as 1.139 has them in its workbench; only those that the view uses. */
export type Theme = keyof typeof themes;
export const THEMES = Object.keys(themes) as Theme[];

const BODY_CLASSES: Readonly<Record<Theme, string>> = {
  dark: "vscode-dark",
  light: "vscode-light",
  "dark-modern": "vscode-dark",
  "light-modern": "vscode-light",
  "high-contrast": "vscode-high-contrast",
  "high-contrast-light": "vscode-high-contrast-light vscode-high-contrast",
};

/** What VS Code puts into every webview's page before the page's own policy holds. */
const DEFAULT_STYLE = `
@layer vscode-default {
  html { scrollbar-color: var(--vscode-scrollbarSlider-background) var(--vscode-editor-background); }
  body { overscroll-behavior-x: none; background-color: transparent; color: var(--vscode-editor-foreground);
    font-family: var(--vscode-font-family); font-weight: var(--vscode-font-weight); font-size: var(--vscode-font-size);
    margin: 0; padding: 0 20px; }
  a, a code { color: var(--vscode-textLink-foreground); }
  a:hover { color: var(--vscode-textLink-activeForeground); }
  a:focus, input:focus, select:focus, textarea:focus { outline: 1px solid -webkit-focus-ring-color; outline-offset: -1px; }
  code { font-family: monospace; color: var(--vscode-textPreformat-foreground);
    background-color: var(--vscode-textPreformat-background); padding: 1px 3px; border-radius: 4px; }
  pre code { padding: 0; }
  blockquote { background: var(--vscode-textBlockQuote-background); border-color: var(--vscode-textBlockQuote-border); }
}`;
const FONTS = {
  "font-family": 'system-ui, "Ubuntu", "Droid Sans", sans-serif',
  "font-size": "13px",
  "font-weight": "normal",
  "editor-font-family": '"Droid Sans Mono", monospace',
  "editor-font-size": "14px",
};

/** Runs in the page before anything else. */
const FAKE_HOST = (remembered: unknown) => `
  window.told = [];
  window.violations = [];
  window.remembered = ${remembered === undefined ? "undefined" : JSON.stringify(remembered)};
  document.addEventListener("securitypolicyviolation", (event) => {
    window.violations.push(event.violatedDirective + " " + event.blockedURI + " " + event.sample);
  });
  window.acquireVsCodeApi = () => ({
    postMessage: (message) => { window.told.push(structuredClone(message)); },
    getState: () => window.remembered,
    setState: (state) => { window.remembered = structuredClone(state); },
  });`;

export interface PageOptions {
  readonly theme?: Theme;
  readonly width?: number;
  readonly height?: number;
  /** What an earlier life of the view remembered. */
  readonly remembered?: unknown;
  readonly reducedMotion?: boolean;
  /** The browser refuses text in the place of HTML, other than that of Lit's own templates. */
  readonly trustedTypes?: boolean;
  /** As the host gives it; missing: English. */
  readonly translation?: Translation;
}

/** One browser and one server for the tests of a suite. */
export class Stage {
  private constructor(
    private readonly server: Server,
    private readonly browser: Browser,
    /** By the language that a page's address names. */
    private readonly translations: Map<string, Translation>,
  ) {}

  static async open(): Promise<Stage> {
    const translations = new Map<string, Translation>();
    const server = createServer((request, response) => {
      const url = new URL(request.url ?? "/", "http://127.0.0.1");
      if (url.pathname === "/") {
        const { port } = server.address() as AddressInfo;
        if (url.searchParams.has("trustedTypes")) {
          response.setHeader("Content-Security-Policy", "require-trusted-types-for 'script'; trusted-types lit-html");
        }
        response.setHeader("Content-Type", "text/html");
        const translation = translations.get(url.searchParams.get("language") ?? "");
        response.end(pageFor(`http://127.0.0.1:${port}`, url.searchParams.get("theme") as Theme, translation));
        return;
      }
      try {
        const name = basename(url.pathname);
        response.setHeader("Content-Type", TYPES[name.slice(name.lastIndexOf("."))] ?? "application/octet-stream");
        response.end(readFileSync(join(DIST, name)));
      } catch {
        response.statusCode = 404;
        response.end();
      }
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new Stage(server, await launchBrowser(), translations);
  }

  async close(): Promise<void> {
    await this.browser.close();
    this.server.close();
  }

  async view(options: PageOptions = {}): Promise<ChatPage> {
    const { theme = "dark", width = 420, height = 760, remembered, reducedMotion = false } = options;
    const context = await this.browser.newContext({
      viewport: { width, height },
      reducedMotion: reducedMotion ? "reduce" : "no-preference",
      deviceScaleFactor: 2,
    });
    const page = await context.newPage();
    page.setDefaultTimeout(WAIT_LIMIT_MS);
    await page.addInitScript(FAKE_HOST(remembered));
    const view = new ChatPage(context, page);
    const { port } = this.server.address() as AddressInfo;
    const { translation } = options;
    if (translation !== undefined) {
      this.translations.set(translation.language, translation);
    }
    const query = [
      `theme=${theme}`,
      ...(translation === undefined ? [] : [`language=${translation.language}`]),
      ...(options.trustedTypes === true ? ["trustedTypes"] : []),
    ].join("&");
    await page.goto(`http://127.0.0.1:${port}/?${query}`);
    await view.isReady();
    return view;
  }
}

const TYPES: Readonly<Record<string, string>> = {
  ".js": "text/javascript",
  ".css": "text/css",
  ".ttf": "font/ttf",
};

function pageFor(origin: string, theme: Theme, translation: Translation | undefined): string {
  const variables = Object.entries({ ...FONTS, ...themes[theme] });
  const style = `${DEFAULT_STYLE}
    :root { ${variables.map(([name, value]) => `--vscode-${name}: ${value};`).join(" ")}
      background: var(--vscode-sideBar-background); }`;
  const files = { script: `${origin}/chat.js`, style: `${origin}/chat.css` };
  return chatPage({ nonce: NONCE, cspSource: origin, ...files, ...(translation === undefined ? {} : { translation }) })
    .replace('<meta charset="utf-8" />', `<meta charset="utf-8" /><style>${style}</style>`)
    .replace("<body>", `<body class="${BODY_CLASSES[theme]}">`);
}

type ToldOf<Message, Kind> = Message extends { readonly kind: infer Kinds }
  ? Kind extends Kinds
    ? Message
    : never
  : never;
type Told<Kind> = ToldOf<ViewMessage, Kind>;

/** A view that is shown, and what it has told its host. */
export class ChatPage {
  /** Errors of the page: there must be none. */
  readonly complaints: string[] = [];

  constructor(
    private readonly context: BrowserContext,
    readonly page: Page,
  ) {
    page.on("pageerror", (error) => this.complaints.push(error.message));
    page.on("console", (message) => {
      if (message.type() === "error" || message.type() === "warning") {
        this.complaints.push(message.text());
      }
    });
    page.on("request", (request) => {
      if (new URL(request.url()).hostname !== "127.0.0.1") {
        this.complaints.push(`request to ${request.url()}`);
      }
    });
    page.on("framenavigated", (frame) => {
      if (new URL(frame.url()).hostname !== "127.0.0.1") {
        this.complaints.push(`navigated to ${frame.url()}`);
      }
    });
  }

  /** Fails if something was against the page's policy, or wrong otherwise. */
  async close(): Promise<void> {
    const violations = await this.page.evaluate("window.violations");
    await this.context.close();
    assert.deepEqual(violations, []);
    assert.deepEqual(this.complaints, []);
  }

  /** A new view in the place of this one. Fails if something was wrong with this one. */
  async again(): Promise<void> {
    assert.deepEqual(await this.page.evaluate("window.violations"), []);
    assert.deepEqual(this.complaints, []);
    await this.page.reload();
    await this.isReady();
  }

  /** Waits until the view is ready to be told. */
  async isReady(): Promise<void> {
    await this.until("the view is ready to be told", async () => (await this.told("ready")).length === 1);
  }

  async send(...messages: readonly HostMessage[]): Promise<void> {
    await this.page.evaluate(
      messages.map((message) => `window.postMessage(${JSON.stringify(message)}, "*");`).join("\n"),
    );
  }

  /** Shows a state, and waits until it is drawn. */
  async show(state: ChatViewState): Promise<void> {
    await this.send({ kind: "state", state });
    await this.page.locator("body[data-ready='1']").waitFor();
    await this.drawn();
  }

  /** Waits for what has been sent to be in the page. */
  async drawn(): Promise<void> {
    await this.page.evaluate(`new Promise((resolve) => {
      // Messages that were sent before this one have arrived once this one has.
      window.addEventListener("message", async function arrived({ data }) {
        if (data?.kind !== undefined) return;
        window.removeEventListener("message", arrived);
        await document.querySelector("hearth-chat").updateComplete;
        requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(resolve)));
      });
      window.postMessage({}, "*");
    })`);
  }

  /** What the host has been told; of one kind where one is given. */
  async told<Kind extends ViewMessage["kind"]>(kind?: Kind): Promise<readonly Told<Kind>[]> {
    const told = await this.page.evaluate<ViewMessage[]>("window.told");
    return told.filter((message) => kind === undefined || message.kind === kind) as never;
  }

  /** The last message of this kind to the host; waits for one. */
  async lastTold<Kind extends ViewMessage["kind"]>(kind: Kind): Promise<Told<Kind>> {
    return this.until(`the host has been told '${kind}'`, async () => (await this.told(kind)).at(-1));
  }

  remembered(): Promise<unknown> {
    return this.page.evaluate("window.remembered");
  }

  async press(...keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      await this.page.keyboard.press(key);
    }
    await this.drawn();
  }

  async type(text: string): Promise<void> {
    await this.page.keyboard.type(text);
    await this.drawn();
  }

  /** Presses Tab until the focus is on something that is called so. */
  async tabTo(name: string, key: "Tab" | "Shift+Tab" = "Tab"): Promise<void> {
    const seen: string[] = [];
    for (let step = 0; step < 60; step += 1) {
      await this.page.keyboard.press(key);
      const focused = await this.focused();
      if (focused === name) {
        return;
      }
      seen.push(focused);
    }
    assert.fail(`Tab does not lead to '${name}', only to: ${[...new Set(seen)].join(", ")}`);
  }

  /** The name of what has the focus, as a screen reader would say it, or its text. */
  focused(): Promise<string> {
    return this.page.evaluate(`(() => {
      const element = document.activeElement;
      return (element?.getAttribute("aria-label") ?? element?.textContent ?? "").trim().replace(/\\s+/g, " ");
    })()`);
  }

  async scrollTo(top: number): Promise<void> {
    await this.page.evaluate(`document.querySelector(".scroller").scrollTop = ${top}`);
    await this.drawn();
  }

  /** How far the end of the conversation is below what is seen of it, in pixels. */
  belowEnd(): Promise<number> {
    return this.page.evaluate(`(() => {
      const { scrollHeight, clientHeight, scrollTop } = document.querySelector(".scroller");
      return Math.round(scrollHeight - clientHeight - scrollTop);
    })()`);
  }

  /** What is cut off or sticks out at the side, where nothing is meant to scroll or to be shortened. */
  tooWide(): Promise<readonly string[]> {
    return this.page.evaluate(`[...document.querySelectorAll("body *")]
      .filter((element) => element.closest("[data-scroller], .cut, .unseen, [hidden], textarea, svg") === null)
      .filter((element) => element.checkVisibility() && !element.matches(
        ".code-language, .composer-hint, .suggestion-name, .suggestion-detail, .conversation-actions, .conversation-actions *"))
      .filter((element) => {
        const { left, right, width } = element.getBoundingClientRect();
        return width > 0 && (left < -0.5 || right > innerWidth + 0.5);
      })
      .map((element) => element.tagName + "." + element.className)`);
  }

  async picture(name: string): Promise<void> {
    await this.page.screenshot({ path: join(PICTURES, `${name}.png`), animations: "disabled" });
  }

  async until<T>(what: string, condition: () => T | undefined | false | Promise<T | undefined | false>): Promise<T> {
    const deadline = Date.now() + WAIT_LIMIT_MS;
    for (;;) {
      const found = await condition();
      if (found !== undefined && found !== false) {
        return found;
      }
      if (Date.now() > deadline) {
        throw new Error(`waited in vain until ${what}`);
      }
      await sleep(20);
    }
  }
}

/** One browser for the tests of a suite; each test's view is closed, and asked for complaints, after it. */
export function stageForSuite(): (options?: PageOptions) => Promise<ChatPage> {
  let stage: Stage | undefined;
  let views: ChatPage[] = [];
  before(async function () {
    this.timeout(60_000);
    stage = await Stage.open();
  });
  afterEach(async function () {
    const open = views;
    views = [];
    for (const view of open) {
      if (this.currentTest?.state === "failed") {
        await view.picture(`failed-${this.currentTest.title.replaceAll(/\W+/g, "-")}`);
      }
      await view.close();
    }
  });
  after(() => stage?.close());
  return async (options) => {
    assert.ok(stage);
    const view = await stage.view(options);
    views.push(view);
    return view;
  };
}
