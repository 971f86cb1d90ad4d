import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { extname, join } from "node:path";
import type { PromptPart } from "../protocol/prompt";
import type { RenderJob, RenderReply } from "./chatTemplateWorker";
import { ModelFileProblem, nameModelFile } from "./modelFileProblem";
import { inSlices } from "./slices";
import { SpecialNames } from "./specialNames";

export interface ChatMessage {
  readonly role: "system" | "user" | "assistant";
  readonly content: string;
}

/** What a template needs to know of the vocabulary; `Tokenizer` is one. */
export interface SpecialTokens {
  readonly specialNames: readonly string[];
  readonly bosName: string | undefined;
  readonly eosName: string | undefined;
}

export interface ChatTemplateOptions {
  /** For messages. */
  readonly fileName: string;
  /** Milliseconds of rendering, the process's start not included. */
  readonly timeLimitMs?: number;
  /** Characters that a template may give, with about 45 for each message's text. */
  readonly outputCharsMax?: number;
  /** Path of `chatTemplateWorker`, where it does not lie beside this file. */
  readonly workerPath?: string;
}

const TIME_LIMIT_MS = 1000;
const START_LIMIT_MS = 10_000;
const OUTPUT_CHARS_MAX = 1024 * 1024;
const WORKER_HEAP_MB = 64;
/** What the worker writes before it looks at the job. A constant of its own: importing the worker would run it. */
const READY = "ready\n";
const INDEX_DIGITS = 6;
/** So many digits of a placeholder do not turn up by accident. */
const REMAINS_DIGITS = 12;
/** A template writes each message once; some quote the first or last one again. */
const REPEATS_MAX = 8;
const TAKEN_APART = "it takes messages apart";
const ADVICE = "choose another file of the model, or tell its publisher";

const CHATML =
  "{% for message in messages %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}" +
  "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

/**
 * A model's chat format. Control tokens come only from what the template itself wrote: message texts are rendered as
 * unguessable placeholders and put back afterwards, so a message that contains `<|im_end|>` stays text.
 *
 * Consequence: a template sees placeholders where it looks into a text (`'</think>' in content`). White space around a
 * text stands outside its placeholder and an empty text is empty, so that `trim` and tests for emptiness work.
 */
export class ChatTemplate {
  readonly #template: string;
  readonly #tokens: SpecialTokens;
  readonly #options: Required<ChatTemplateOptions>;
  readonly #specials: SpecialNames;

  /** @param template Jinja as in `tokenizer.chat_template`; undefined: ChatML. */
  constructor(template: string | undefined, tokens: SpecialTokens, options: ChatTemplateOptions) {
    this.#template = template ?? CHATML;
    this.#tokens = tokens;
    this.#options = {
      timeLimitMs: TIME_LIMIT_MS,
      outputCharsMax: OUTPUT_CHARS_MAX,
      workerPath: defaultWorkerPath(),
      ...options,
    };
    this.#specials = new SpecialNames(tokens.specialNames);
  }

  /**
   * The prompt for a conversation, ending where the assistant's answer begins.
   * Errors: EngineError `bad_model` if the template fails, takes too long, gives too much or mangles a message's text.
   */
  async render(messages: readonly ChatMessage[]): Promise<PromptPart[]> {
    try {
      this.#checkTokens();
      const placeholders = new Placeholders();
      const masked = messages.map(({ role, content }) => ({ role, content: placeholders.hide(content) }));
      const text = this.#template === CHATML ? renderChatMl(masked) : await this.#renderInWorker(masked);
      return await this.#partsOf(text, placeholders);
    } catch (error) {
      throw nameModelFile(error, "use the chat template of", this.#options.fileName);
    }
  }

  /** ChatML spelled out as text would mean nothing to the model. */
  #checkTokens(): void {
    const known = (name: string): boolean => this.#tokens.specialNames.includes(name);
    if (this.#template === CHATML && !(known("<|im_start|>") && known("<|im_end|>"))) {
      throw new ModelFileProblem(
        "there is none, and its vocabulary lacks the tokens of ChatML",
        "choose a model made for chat",
      );
    }
  }

  /** Cuts the rendered text at control tokens, then puts the messages' texts back. Others have their turn meanwhile. */
  async #partsOf(rendered: string, placeholders: Placeholders): Promise<PromptPart[]> {
    const parts: PromptPart[] = [];
    let at = 0;
    const pushText = (end: number): void => {
      if (end > at) {
        parts.push({ kind: "text", text: placeholders.reveal(rendered.slice(at, end)) });
      }
    };
    for (const { index, name } of (await inSlices(this.#specials.find(rendered))) ?? []) {
      pushText(index);
      parts.push({ kind: "special", token: name });
      at = index + name.length;
    }
    pushText(rendered.length);
    return parts;
  }

  async #renderInWorker(messages: readonly ChatMessage[]): Promise<string> {
    const { workerPath, timeLimitMs, outputCharsMax } = this.#options;
    const variables = {
      messages,
      add_generation_prompt: true,
      bos_token: this.#tokens.bosName ?? "",
      eos_token: this.#tokens.eosName ?? "",
    };
    const job: RenderJob = { template: this.#template, variables, timeLimitMs, outputCharsMax };
    const reply = parseReply(await outputOf(workerPath, job));
    if (reply.kind === "failed") {
      throw new ModelFileProblem(`it ${reply.reason}`, ADVICE);
    }
    return reply.text;
  }
}

/**
 * Starts the worker, gives it the job and collects what it writes. Errors: plain `Error` if it does not even start,
 * which is our fault; a worker that dies or goes silent later only gives less output.
 */
async function outputOf(workerPath: string, job: RenderJob): Promise<string> {
  const loader = workerPath.endsWith(".ts") ? ["--require", "tsx/cjs"] : [];
  const worker = spawn(process.execPath, [`--max-old-space-size=${String(WORKER_HEAP_MB)}`, ...loader, workerPath], {
    // The program may be Electron, which is Node.js only when told so.
    env: { ...process.env, ELECTRON_RUN_AS_NODE: "1" },
    stdio: ["pipe", "pipe", "ignore"],
    windowsHide: true,
    timeout: START_LIMIT_MS + job.timeLimitMs,
    killSignal: "SIGKILL",
  });
  // A worker that dies early closes its end; what matters is then what it did not write.
  worker.stdin.on("error", () => undefined);
  worker.stdin.end(JSON.stringify(job));
  let output = "";
  worker.stdout.setEncoding("utf8").on("data", (chunk: string) => {
    output += chunk;
    // In JSON a character takes up to six.
    if (output.length > 6 * job.outputCharsMax + 1024) {
      worker.kill("SIGKILL");
    }
  });
  await once(worker, "close");
  if (!output.startsWith(READY)) {
    throw new Error(
      `cannot render a chat template: ${workerPath} did not start (exit code ${String(worker.exitCode)})`,
    );
  }
  return output.slice(READY.length);
}

function parseReply(output: string): RenderReply {
  try {
    // Written by our own program, unless it died in the middle.
    return JSON.parse(output) as RenderReply;
  } catch {
    return { kind: "failed", reason: `needs more than ${String(WORKER_HEAP_MB)} MB of memory` };
  }
}

/** The common case without a process: ChatML is fixed text around each message. */
function renderChatMl(messages: readonly ChatMessage[]): string {
  const turns = messages.map(({ role, content }) => `<|im_start|>${role}\n${content}<|im_end|>\n`);
  return `${turns.join("")}<|im_start|>assistant\n`;
}

/** In a bundle the worker is a file of its own beside it; when run from source, its module is. */
function defaultWorkerPath(): string {
  return join(__dirname, `chatTemplateWorker${extname(__filename)}`);
}

/**
 * Stand-ins for texts: a random number and an index, in digits only, which survive filters for upper and lower case,
 * JSON and escaping.
 */
class Placeholders {
  readonly #nonce = randomDigits();
  readonly #hidden: string[] = [];
  #hiddenChars = 0;
  #revealedChars = 0;

  hide(text: string): string {
    const core = text.trim();
    if (core === "") {
      return text;
    }
    const start = text.length - text.trimStart().length;
    const index = String(this.#hidden.push(core) - 1).padStart(INDEX_DIGITS, "0");
    this.#hiddenChars += core.length;
    return `${text.slice(0, start)}${this.#nonce}${index}${text.slice(start + core.length)}`;
  }

  /** Errors: `ModelFileProblem` if a placeholder is no longer whole, or if texts are repeated without end. */
  reveal(rendered: string): string {
    const [before = "", ...after] = rendered.split(this.#nonce);
    this.#checkNoRemains(before);
    let text = before;
    for (const piece of after) {
      const index = piece.slice(0, INDEX_DIGITS);
      const hidden = /^\d{6}$/.test(index) ? this.#hidden[Number(index)] : undefined;
      if (hidden === undefined) {
        throw new ModelFileProblem(TAKEN_APART, ADVICE);
      }
      this.#revealedChars += hidden.length;
      if (this.#revealedChars > REPEATS_MAX * this.#hiddenChars) {
        throw new ModelFileProblem(`it repeats messages more than ${String(REPEATS_MAX)} times`, ADVICE);
      }
      const literal = piece.slice(INDEX_DIGITS);
      this.#checkNoRemains(literal);
      text += hidden + literal;
    }
    return text;
  }

  /** Finds pieces of placeholders that a template cut up, as `content[:20]` would. */
  #checkNoRemains(literal: string): void {
    const { length } = this.#nonce;
    if (
      literal.includes(this.#nonce.slice(0, REMAINS_DIGITS)) ||
      literal.includes(this.#nonce.slice(length - REMAINS_DIGITS))
    ) {
      throw new ModelFileProblem(TAKEN_APART, ADVICE);
    }
  }
}

/** 39 random decimal digits, 128 bits. */
function randomDigits(): string {
  return BigInt(`0x${randomBytes(16).toString("hex")}`)
    .toString()
    .padStart(39, "0");
}
