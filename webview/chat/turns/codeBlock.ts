import { html, nothing, type PropertyValues, type TemplateResult } from "lit";
import { customElement, property, state } from "lit/decorators.js";
import { PageElement } from "../element";
import { say, tell } from "../events";
import { iconButton } from "../icon";
import { type CodeSpan, highlight, languageTitle } from "../markdown/highlight";
import { t } from "../texts";
import { hasReordering, textPieces } from "../visibleText";
import { hiddenCharacterText } from "../words";

const CONFIRMED_MS = 1500;

/** A piece of code of an answer, with what can be done with it, or of the user's own message. */
@customElement("hearth-code")
export class CodeBlock extends PageElement {
  @property({ attribute: false }) accessor code = "";
  @property({ attribute: false }) accessor language = "";
  /** All that the fence says, which may name a file. */
  @property({ attribute: false }) accessor info = "";
  /** More of it is on its way: half a function is nothing to insert. */
  @property({ attribute: false }) accessor growing = false;
  /** The user wrote it: there is nothing to be done with it. */
  @property({ attribute: false }) accessor own = false;
  @state() private accessor copied = false;

  #drawn: readonly CodeSpan[] = [];
  #confirmation: ReturnType<typeof setTimeout> | undefined;

  override disconnectedCallback(): void {
    super.disconnectedCallback();
    clearTimeout(this.#confirmation);
  }

  protected override render(): TemplateResult {
    const title = languageTitle(this.language);
    return html`<div class="code-bar">
        <span class="code-language">${title}</span>
        ${this.growing || this.own ? nothing : this.#actions(title)}
      </div>
      <pre
        class="code-scroller"
        data-scroller
        tabindex=${nothing}
        role="group"
        aria-label=${t("Code, {0}", title)}
      ><code
        class="code"
      ></code></pre>`;
  }

  #actions(title: string): TemplateResult {
    const { code, language, copied } = this;
    const button = (name: string, label: string, iconName: string, onClick: () => void) =>
      iconButton({ icon: iconName, label, name, about: t("{0} code", title), onClick });
    return html`<span class="code-actions">
      ${button("copy", copied ? t("Copied") : t("Copy"), copied ? "check" : "copy", () => {
        this.#copy();
      })}
      ${button("insert", t("Insert at Cursor"), "insert", () => {
        tell(this, { kind: "insertCode", code });
      })}
      ${button("apply", t("Apply as Diff…"), "diff", () => {
        tell(this, { kind: "applyCode", code, language: this.info === "" ? language : this.info });
      })}
    </span>`;
  }

  #copy(): void {
    tell(this, { kind: "copyCode", code: this.code });
    say(this, t("Copied."));
    this.copied = true;
    clearTimeout(this.#confirmation);
    this.#confirmation = setTimeout(() => {
      this.copied = false;
    }, CONFIRMED_MS);
  }

  protected override updated(changed: PropertyValues<this>): void {
    const target = this.querySelector("code");
    if (target !== null && (changed.has("code") || changed.has("language"))) {
      const spans = highlight(this.code, this.language);
      redraw(target, this.#drawn, spans);
      this.#drawn = spans;
    }
  }
}

/** Makes `target` show `next`; what it shows of `before` already, from the beginning, stays as it is. */
function redraw(target: Element, before: readonly CodeSpan[], next: readonly CodeSpan[]): void {
  let kept = 0;
  while (kept < before.length && isSame(before[kept], next[kept])) {
    kept += 1;
  }
  while (target.childNodes.length > kept) {
    target.lastChild?.remove();
  }
  target.append(...next.slice(kept).map(nodeOf));
}

function isSame(a: CodeSpan | undefined, b: CodeSpan | undefined): boolean {
  return a?.text === b?.text && a?.scope === b?.scope;
}

/** One node for each span. */
function nodeOf({ text, scope }: CodeSpan): Node {
  if (scope === "" && !hasReordering(text)) {
    return document.createTextNode(text);
  }
  const node = document.createElement("span");
  if (scope !== "") {
    node.className = `code-${scope.split(".")[0] ?? ""} code-${scope.replaceAll(".", "-")}`;
  }
  node.append(...textPieces(text).map((piece) => (piece.kind === "plain" ? piece.text : controlNode(piece.name))));
  return node;
}

function controlNode(name: string): Node {
  const node = document.createElement("span");
  node.className = "hidden-character";
  node.title = hiddenCharacterText();
  node.textContent = name;
  return node;
}
