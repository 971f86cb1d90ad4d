import { createHash, timingSafeEqual } from "node:crypto";
import type { Socket } from "node:net";
import {
  AbstractMessageReader,
  AbstractMessageWriter,
  type CancellationToken,
  createMessageConnection,
  type DataCallback,
  type Disposable,
  ErrorCodes,
  type Message,
  type MessageConnection,
  type RequestMessage,
  ResponseError,
  type ResponseMessage,
} from "vscode-jsonrpc/node";
import type { EngineNotifications, EngineRequests } from "../../protocol/engine";
import { EngineError, type EngineErrorCode } from "../../protocol/errors";
import { encodeFrame, FRAME_BYTES_MAX, FrameDecoder, FrameError } from "./frames";
import { isCancel, Unanswered } from "./unanswered";

/** A `hello` is some hundred bytes. */
const HELLO_BYTES_MAX = 4096;
/** JSON-RPC's range for an application's own errors; which one is in `data.code`. */
const ENGINE_ERROR = -32000;

type Method = keyof EngineRequests;
type Params<M extends Method> = EngineRequests[M]["params"];
type Result<M extends Method> = EngineRequests[M]["result"];
type Note = keyof EngineNotifications;

/** True if the two are equal; takes the same time wherever they differ. */
export function sameToken(given: unknown, expected: string): boolean {
  const digest = (text: string): Buffer => createHash("sha256").update(text).digest();
  return timingSafeEqual(digest(typeof given === "string" ? given : ""), digest(expected));
}

/** Messages that wait for their turn, one of the event loop each, while more come with every chunk. */
const UNHANDLED_MAX = 256;

/** What keeps a peer that asks without end from taking all memory. */
interface Brakes {
  readonly unanswered: Unanswered;
  /** Answers a request that is one too many. */
  readonly refuse: (request: Message) => void;
}

/**
 * Messages from a socket. Whatever is wrong with a frame, this connection ends and nothing else happens.
 * `admit` sees the first message and says whether there will be a second.
 */
class SocketReader extends AbstractMessageReader {
  readonly #socket: Socket;
  readonly #decoder: FrameDecoder;
  readonly #admit: ((first: unknown) => boolean) | undefined;
  readonly #brakes: Brakes | undefined;
  #admitted: boolean;
  /** Messages passed to the connection, which handles one per turn of the event loop. */
  #unhandled = 0;
  #closed = false;

  constructor(socket: Socket, admit?: (first: unknown) => boolean, brakes?: Brakes) {
    super();
    this.#socket = socket;
    this.#admit = admit;
    this.#brakes = brakes;
    this.#admitted = admit === undefined;
    this.#decoder = new FrameDecoder(this.#admitted ? FRAME_BYTES_MAX : HELLO_BYTES_MAX);
  }

  listen(callback: DataCallback): Disposable {
    const onData = (chunk: Buffer): void => {
      try {
        this.#decoder.push(chunk);
        this.#deliver(callback);
      } catch (error) {
        // Also what the JSON-RPC library throws on unexpected messages, which are the peer's fault, too.
        this.#socket.destroy();
        this.fireError(error);
      }
    };
    this.#socket.on("data", onData);
    this.#socket.on("close", () => {
      this.#closed = true;
      this.#closeIfDone();
    });
    return {
      dispose: () => {
        this.#socket.off("data", onData);
      },
    };
  }

  /** The connection has handled a message. */
  handled(message: Message): void {
    if (isCancel(message)) {
      return;
    }
    this.#unhandled -= 1;
    if (this.#unhandled < UNHANDLED_MAX / 2 && this.#socket.isPaused()) {
      this.#socket.resume();
    }
    this.#closeIfDone();
  }

  /** The last messages of a peer that closed the connection are handled; those of a rejected peer are not. */
  #closeIfDone(): void {
    if (this.#closed && (this.#unhandled <= 0 || this.#admit !== undefined)) {
      this.fireClose();
    }
  }

  #deliver(callback: DataCallback): void {
    for (let frame = this.#decoder.next(); frame !== undefined; frame = this.#decoder.next()) {
      if (this.#socket.destroyed) {
        return;
      }
      const message = asMessage(frame.value);
      if (!this.#admitted) {
        if (this.#admit?.(message) !== true) {
          throw new FrameError("a peer without the token");
        }
        this.#admitted = true;
        this.#decoder.bytesMax = FRAME_BYTES_MAX;
      }
      if (this.#isTaken(message, frame.bytes)) {
        this.#unhandled += isCancel(message) ? 0 : 1;
        callback(message);
      }
    }
    if (this.#unhandled >= UNHANDLED_MAX) {
      this.#socket.pause();
    }
  }

  /** Errors: FrameError. */
  #isTaken(message: Message, bytes: number): boolean {
    const verdict = this.#brakes?.unanswered.received(message, bytes) ?? "deliver";
    if (verdict === "wrong") {
      throw new FrameError("a request has the number of one that is not answered yet");
    }
    if (verdict === "busy") {
      this.#brakes?.refuse(message);
    }
    return verdict === "deliver";
  }
}

/** Errors: FrameError for what is no JSON-RPC message, or has parameters that are no object. */
function asMessage(value: unknown): Message {
  if (!isObject(value) || value["jsonrpc"] !== "2.0") {
    throw new FrameError("a frame is not a JSON-RPC message");
  }
  const { id, method, params } = value;
  const goodId = id === undefined || typeof id === "number" || typeof id === "string";
  const goodMethod = typeof method === "string" || (method === undefined && id !== undefined);
  const goodParams = params === undefined || isObject(params);
  if (!goodId || !goodMethod || !goodParams) {
    throw new FrameError("a frame is not a JSON-RPC message");
  }
  return value as unknown as Message;
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Two frames of the largest size, or hours of text: who has not read so much does not read. */
const UNREAD_BYTES_MAX = 2 * FRAME_BYTES_MAX;
/** Small ones take more memory than their bytes, and a second to let go where there are hundreds of thousands. */
const UNREAD_FRAMES_MAX = 65_536;

class SocketWriter extends AbstractMessageWriter {
  readonly #socket: Socket;
  readonly #unreadBytesMax: number;
  readonly #unanswered: Unanswered | undefined;
  #unreadFrames = 0;

  /** @param unreadBytesMax a peer that leaves more than that unread is dropped. */
  constructor(socket: Socket, unreadBytesMax: number, unanswered?: Unanswered) {
    super();
    this.#socket = socket;
    this.#unreadBytesMax = unreadBytesMax;
    this.#unanswered = unanswered;
  }

  /** Resolves when the bytes are on their way; a socket that has closed swallows them, as the peer would. */
  async write(message: Message): Promise<void> {
    const frame = encodeFrame(message);
    await new Promise<void>((onTheWay) => {
      const resolve = (): void => {
        // Not before: until a peer reads its answers, they and their requests take memory.
        this.#unanswered?.sent(message);
        onTheWay();
      };
      if (!this.#socket.writable) {
        resolve();
        return;
      }
      const isTooMuch = this.#socket.writableLength > this.#unreadBytesMax || this.#unreadFrames > UNREAD_FRAMES_MAX;
      if (Number.isFinite(this.#unreadBytesMax) && isTooMuch) {
        const error = new FrameError(`${String(this.#socket.writableLength)} bytes were not read`);
        this.#socket.destroy();
        this.fireError(error, undefined, undefined);
        resolve();
        return;
      }
      this.#unreadFrames += 1;
      this.#socket.write(frame, () => {
        this.#unreadFrames -= 1;
        resolve();
      });
    });
  }

  end(): void {
    this.#socket.end();
  }
}

/** @param admit for an engine's end of the connection: its peer may be anybody, and ask as much as it likes. */
function connectionOver(socket: Socket, admit?: (first: unknown) => boolean): MessageConnection {
  const unanswered = admit === undefined ? undefined : new Unanswered();
  const writer = new SocketWriter(socket, admit === undefined ? Infinity : UNREAD_BYTES_MAX, unanswered);
  const refuse = (request: Message): void => {
    const { id } = request as RequestMessage;
    const message = "cannot take one more request of a window that has so many unanswered; wait for answers";
    const error = { code: ENGINE_ERROR, message, data: { code: "busy" satisfies EngineErrorCode } };
    void writer.write({ jsonrpc: "2.0", id, error } as ResponseMessage);
  };
  const reader = new SocketReader(socket, admit, unanswered === undefined ? undefined : { unanswered, refuse });
  const connection = createMessageConnection(reader, writer, undefined, {
    messageStrategy: {
      handleMessage: (message, next) => {
        const result = next(message);
        reader.handled(message);
        return result;
      },
    },
  });
  // Every socket error also closes the socket; both sides handle the close.
  socket.on("error", () => undefined);
  return connection;
}

/** The engine's end of one connection. */
export class ClientPeer {
  readonly #socket: Socket;
  readonly #connection: MessageConnection;
  readonly #onBug: (error: unknown) => void;

  /** @param onBug gets what a request handler threw and no EngineError is. */
  constructor(socket: Socket, token: string, onBug: (error: unknown) => void) {
    this.#socket = socket;
    this.#onBug = onBug;
    const admit = (first: unknown): boolean => {
      if (!isObject(first) || first["method"] !== "hello" || !isObject(first["params"])) {
        return false;
      }
      return sameToken(first["params"]["token"], token);
    };
    this.#connection = connectionOver(socket, admit);
  }

  listen(): void {
    this.#connection.listen();
  }

  /** Called at most once, when the connection is closed in both directions. */
  onClose(listener: () => void): void {
    this.#connection.onClose(() => {
      this.#connection.dispose();
      listener();
    });
  }

  /** Why this side closed the connection. */
  onRefused(listener: (error: Error) => void): void {
    this.#connection.onError(([error]) => {
      listener(error);
    });
  }

  onRequest<M extends Method>(
    method: M,
    answer: (params: unknown, cancel: CancellationToken) => Result<M> | Promise<Result<M>>,
  ): void {
    this.#connection.onRequest(method, async (params: unknown, cancel: CancellationToken) => {
      try {
        return await answer(params, cancel);
      } catch (error) {
        throw this.#asResponse(error);
      }
    });
  }

  notify<N extends Note>(name: N, params: EngineNotifications[N]): void {
    if (this.#socket.writable) {
      void this.#connection.sendNotification(name, params);
    }
  }

  /** Lets what was written go out first. */
  end(): void {
    this.#socket.end();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #asResponse(error: unknown): ResponseError<{ code: EngineErrorCode }> {
    if (error instanceof EngineError) {
      return new ResponseError(ENGINE_ERROR, error.message, { code: error.code });
    }
    this.#onBug(error);
    return new ResponseError(ENGINE_ERROR, "internal error of the engine; its log says more", { code: "internal" });
  }
}

/** A window's end of the connection. */
export class EngineLink {
  readonly #socket: Socket;
  readonly #connection: MessageConnection;

  constructor(socket: Socket) {
    this.#socket = socket;
    this.#connection = connectionOver(socket);
  }

  listen(): void {
    this.#connection.listen();
  }

  /** At most once; requests under way have been rejected as `disconnected`. */
  onClose(listener: () => void): void {
    this.#connection.onClose(() => {
      this.#connection.dispose();
      listener();
    });
  }

  onNotification<N extends Note>(name: N, listener: (params: EngineNotifications[N]) => void): void {
    this.#connection.onNotification(name, listener);
  }

  /** Errors: EngineError. */
  async request<M extends Method>(method: M, params: Params<M>, cancel?: CancellationToken): Promise<Result<M>> {
    try {
      return await (cancel === undefined
        ? this.#connection.sendRequest<Result<M>>(method, params)
        : this.#connection.sendRequest<Result<M>>(method, params, cancel));
    } catch (error) {
      throw asEngineError(error);
    }
  }

  destroy(): void {
    this.#socket.destroy();
  }
}

function asEngineError(error: unknown): EngineError {
  if (error instanceof ResponseError && error.code === ENGINE_ERROR) {
    const { code } = error.data as { code: EngineErrorCode };
    return new EngineError(code, error.message);
  }
  if (error instanceof ResponseError && error.code === ErrorCodes.MessageWriteError) {
    return new EngineError("bad_request", `cannot send a request to the engine: ${error.message}; make it shorter`);
  }
  return new EngineError("disconnected", "the engine process ended before it answered; try again", {
    cause: error,
  });
}
