/**
 * Messages on a byte stream: a big-endian 32-bit length, then that many bytes of UTF-8 JSON. The length prefix lets a
 * frame that is too large be rejected before its bytes are buffered.
 */

/** Far more than any prompt; bounds the memory that a peer can make this side hold. */
export const FRAME_BYTES_MAX = 8 * 1024 * 1024;

const LENGTH_BYTES = 4;

/** The peer does not speak our language; the connection is of no more use. */
export class FrameError extends Error {
  constructor(message: string) {
    super(message);
    this.name = "FrameError";
  }
}

/** Errors: FrameError if the message is too large. */
export function encodeFrame(message: unknown): Buffer {
  const body = Buffer.from(JSON.stringify(message), "utf8");
  if (body.length > FRAME_BYTES_MAX) {
    throw new FrameError(`a message of ${String(body.length)} bytes is more than ${String(FRAME_BYTES_MAX)}`);
  }
  const frame = Buffer.allocUnsafe(LENGTH_BYTES + body.length);
  frame.writeUInt32BE(body.length, 0);
  body.copy(frame, LENGTH_BYTES);
  return frame;
}

/** Cuts a stream into messages. Keeps no more than one frame's bytes, and only those that have come. */
export class FrameDecoder {
  /** May change between frames: an unauthenticated peer gets a small limit. */
  bytesMax: number;
  #chunks: Buffer[] = [];
  #held = 0;

  constructor(bytesMax = FRAME_BYTES_MAX) {
    this.bytesMax = bytesMax;
  }

  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#held += chunk.length;
  }

  /** The next whole message, parsed; undefined: more bytes are needed. Errors: FrameError. */
  next(): { readonly value: unknown; readonly bytes: number } | undefined {
    if (this.#held < LENGTH_BYTES) {
      return undefined;
    }
    const length = this.#peekLength();
    if (length > this.bytesMax) {
      throw new FrameError(`a frame of ${String(length)} bytes is more than ${String(this.bytesMax)}`);
    }
    if (this.#held < LENGTH_BYTES + length) {
      return undefined;
    }
    const all = this.#joined();
    const body = all.subarray(LENGTH_BYTES, LENGTH_BYTES + length);
    const rest = all.subarray(LENGTH_BYTES + length);
    this.#chunks = rest.length === 0 ? [] : [rest];
    this.#held = rest.length;
    return { value: parse(body), bytes: length };
  }

  #peekLength(): number {
    const [first] = this.#chunks;
    return (first !== undefined && first.length >= LENGTH_BYTES ? first : this.#joined()).readUInt32BE(0);
  }

  #joined(): Buffer {
    const all = this.#chunks.length === 1 ? this.#chunks[0] : undefined;
    if (all !== undefined) {
      return all;
    }
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined;
  }
}

function parse(body: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(body)) as unknown;
  } catch {
    throw new FrameError("a frame is not UTF-8 JSON");
  }
}
