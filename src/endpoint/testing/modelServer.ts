import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A request as the server has seen it. */
export interface SeenQuestion {
  readonly method: string;
  readonly path: string;
  readonly authorization: string | undefined;
  /** Its JSON; undefined for a GET. */
  readonly json: Readonly<Record<string, unknown>> | undefined;
}

/** A token of an answer: its text, and how likely it is, with others that were likely. */
export interface Said {
  readonly text: string;
  readonly logprob?: number;
  readonly others?: Readonly<Record<string, number>>;
}

/** `list`: as vLLM's completions have them; `content`: as llama-server's, and all chats. */
export type LogprobForm = "list" | "content" | "none";

type Handler = (request: IncomingMessage, response: ServerResponse, asked: SeenQuestion) => boolean;

/**
 * An OpenAI-compatible server on loopback, as vLLM and llama-server are over the wire: `/v1/models`, `/v1/completions` and
 * `/v1/chat/completions`, streamed as server-sent events with `stream`. It says what a test wants, and misbehaves as it wants: `on`
 * replaces the proper answer where it returns true.
 */
export class ModelServer {
  readonly seen: SeenQuestion[] = [];
  /** Made to it, since it started. */
  connections = 0;
  /** Questions whose asker went before the end. */
  left = 0;
  key: string | undefined;
  models: readonly object[] = [{ id: "Qwen2.5-Coder-7B", object: "model", max_model_len: 16384 }];
  says: readonly Said[] = [{ text: "value" }, { text: ";" }];
  form: LogprobForm = "list";
  /** Why it ends, by its own word. */
  finish = "stop";
  msPerToken = 0;
  on: Handler | undefined;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<ModelServer> {
    let handle: (request: IncomingMessage, response: ServerResponse) => void = () => undefined;
    const server = createServer((request, response) => {
      handle(request, response);
    });
    await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
    const result = new ModelServer(server);
    server.on("connection", () => {
      result.connections += 1;
    });
    handle = (request, response) => void result.#handle(request, response);
    return result;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }

  get url(): string {
    return `http://127.0.0.1:${String((this.#server.address() as AddressInfo).port)}`;
  }

  /** Questions for text. */
  get asked(): readonly SeenQuestion[] {
    return this.seen.filter(({ path }) => path.endsWith("/completions"));
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body: Buffer[] = [];
    for await (const part of request) {
      body.push(part as Buffer);
    }
    const text = Buffer.concat(body).toString();
    const asked: SeenQuestion = {
      method: request.method ?? "",
      path: request.url ?? "",
      authorization: request.headers.authorization,
      json: text === "" ? undefined : (JSON.parse(text) as Readonly<Record<string, unknown>>),
    };
    this.seen.push(asked);
    response.on("close", () => {
      this.left += response.writableFinished ? 0 : 1;
    });
    if (this.on?.(request, response, asked) !== true) {
      await this.answer(response, asked);
    }
  }

  async answer(response: ServerResponse, { path, json, authorization }: SeenQuestion): Promise<void> {
    if (this.key !== undefined && authorization !== `Bearer ${this.key}`) {
      this.fail(response, 401, "Unauthorized");
    } else if (path === "/v1/models") {
      response.setHeader("content-type", "application/json").end(JSON.stringify({ object: "list", data: this.models }));
    } else if (path === "/v1/completions" || path === "/v1/chat/completions") {
      await this.#say(response, path.includes("chat"), json ?? {});
    } else {
      this.fail(response, 404, "Not Found");
    }
  }

  fail(response: ServerResponse, status: number, message: string, headers: Record<string, string> = {}): void {
    response.writeHead(status, { "content-type": "application/json", ...headers });
    response.end(JSON.stringify({ error: { message, type: "x", code: status } }));
  }

  /** The events of an answer, without what ends it. */
  events(isChat: boolean, said: readonly Said[] = this.says): string[] {
    return said.map((each) => `data: ${JSON.stringify({ choices: [this.choice(isChat, each)] })}\n\n`);
  }

  choice(isChat: boolean, { text, logprob = -0.01, others = {} }: Said): object {
    const content = {
      content: [
        {
          token: text,
          logprob,
          top_logprobs: Object.entries(others).map(([token, each]) => ({ token, logprob: each })),
        },
      ],
    };
    const list = { tokens: [text], token_logprobs: [logprob], top_logprobs: [{ [text]: logprob, ...others }] };
    const logprobs = this.form === "none" || isChat ? null : this.form === "list" ? list : content;
    return { index: 0, ...(isChat ? { delta: { content: text } } : { text }), logprobs, finish_reason: null };
  }

  async #say(response: ServerResponse, isChat: boolean, json: Readonly<Record<string, unknown>>): Promise<void> {
    if (json["stream"] !== true) {
      const text = this.says.map((each) => each.text).join("");
      const choice = { ...(isChat ? { message: { content: text } } : { text }), finish_reason: this.finish };
      response.setHeader("content-type", "application/json").end(JSON.stringify({ choices: [choice] }));
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8" });
    for (const event of this.events(isChat)) {
      if (this.msPerToken > 0) {
        await new Promise((done) => setTimeout(done, this.msPerToken));
      }
      response.write(event);
    }
    response.write(`data: ${JSON.stringify({ choices: [{ index: 0, text: "", finish_reason: this.finish }] })}\n\n`);
    response.end("data: [DONE]\n\n");
  }
}
