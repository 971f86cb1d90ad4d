import type { RememberParams } from "../../protocol/engine";
import type { EngineLink } from "../wire/transport";

/** A third of the idle timeout after which the engine forgets them (server/clientMemory.ts). */
const ALIVE_MS = 20_000;

/** The open documents of a window that completions may be mixed with, and what a connection knows of them. */
export class ToldDocuments {
  readonly #open = new Map<string, string>();
  /** Others that the engine may have been told. */
  readonly #files = new Set<string>();
  #told: { readonly link: EngineLink; readonly texts: Map<string, string> } | undefined;
  #alive: NodeJS.Timeout | undefined;
  #aliveOver: EngineLink | undefined;

  /** As it is now; told with the next completion. */
  set(document: string, text: string): void {
    this.#open.set(document, text);
  }

  /** Of a file that is not open. False: the document is open, or the engine has no model that could read it. */
  async tellFile(document: string, text: string, link: EngineLink): Promise<boolean> {
    if (this.#open.has(document)) {
      return false;
    }
    this.#files.add(document);
    this.#keepAlive(link);
    return (await link.request("remember", { document, source: "workspace", text })).known;
  }

  /** Forgets at once, here and there; without documents all of them. */
  forget(documents: readonly string[] | undefined, link: EngineLink | undefined): void {
    const known = [...this.#open.keys(), ...this.#files];
    const wanted = documents === undefined ? known : known.filter((document) => documents.includes(document));
    if (wanted.length === 0) {
      return;
    }
    for (const document of wanted) {
      this.#open.delete(document);
      this.#files.delete(document);
      this.#told?.texts.delete(document);
    }
    link?.request("forget", documents === undefined ? {} : { documents: wanted }).catch(() => undefined);
    if (this.#open.size + this.#files.size === 0) {
      this.dispose();
    }
  }

  /** Tells what has changed. What is sent over the link afterwards finds it known. */
  tell(link: EngineLink): void {
    if (this.#told?.link !== link) {
      this.#told = { link, texts: new Map() };
    }
    const { texts } = this.#told;
    for (const [document, text] of this.#open) {
      const before = texts.get(document);
      if (before !== text) {
        texts.set(document, text);
        void this.#send(link, document, text, before);
      }
    }
    this.#keepAlive(link);
  }

  dispose(): void {
    clearInterval(this.#alive);
    this.#alive = undefined;
  }

  /** A document that is refused is told again only when it has changed. */
  async #send(link: EngineLink, document: string, text: string, before: string | undefined): Promise<void> {
    const whole: RememberParams = { document, source: "file", text };
    try {
      const change = before === undefined ? whole : { ...whole, ...changeBetween(before, text) };
      const { known } = await link.request("remember", change);
      if (!known && before !== undefined && this.#told?.link === link && this.#told.texts.get(document) === text) {
        await link.request("remember", whole);
      }
    } catch {
      // Too long, no room, or the connection is gone: completions do without it.
    }
  }

  /** Says from time to time that this window lives, while the engine remembers anything of it. */
  #keepAlive(link: EngineLink): void {
    if (this.#open.size + this.#files.size === 0 || (this.#alive !== undefined && this.#aliveOver === link)) {
      return;
    }
    clearInterval(this.#alive);
    this.#aliveOver = link;
    this.#alive = setInterval(() => {
      link.request("alive", {}).then(
        ({ documents }) => {
          if (documents === 0 && this.#told?.link === link) {
            this.#told.texts.clear();
          }
        },
        () => undefined,
      );
    }, ALIVE_MS).unref();
  }
}

/** The part of `before` between what both begin with and what both end with, and what stands there now. */
export function changeBetween(before: string, after: string): Pick<RememberParams, "from" | "to" | "text"> {
  const longest = Math.min(before.length, after.length);
  let from = 0;
  while (from < longest && before.charCodeAt(from) === after.charCodeAt(from)) {
    from += 1;
  }
  let same = 0;
  while (
    same < longest - from &&
    before.charCodeAt(before.length - 1 - same) === after.charCodeAt(after.length - 1 - same)
  ) {
    same += 1;
  }
  return { from, to: before.length - same, text: after.slice(from, after.length - same) };
}
