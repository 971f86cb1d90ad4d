import { ModelFileProblem } from "./modelFileProblem";

const WINDOW_BYTES = 256 * 1024;
const TWO_POW_32 = 2 ** 32;

/** What a window needs of a `FileHandle`. */
export interface ReadableFile {
  /** Reads up to `length` bytes at `position` into `buffer[at..]`. */
  read(buffer: Buffer, at: number, length: number, position: number): Promise<{ readonly bytesRead: number }>;
}

/**
 * A forward-only view of a file's beginning, read in blocks of 256 KiB, so that a header is parsed in bounded memory.
 *
 * Callers ask `has(n)` and, only if that is false, `await fill(n)`; then they `take…` up to n bytes without waiting.
 * (A promise per value would cost more than the parsing: a header holds 450,000 values.) Values are little-endian.
 * Errors: `fill` throws a `ModelFileProblem` when the file or the header limit ends before n bytes.
 */
export class ByteWindow {
  private buffer = Buffer.allocUnsafeSlow(WINDOW_BYTES);
  private start = 0;
  private end = 0;
  /** File offset of `buffer[0]`. */
  private base = 0;

  /** @param limitBytes how far from the start of the file this window may go. */
  constructor(
    private readonly file: ReadableFile,
    private readonly fileBytes: number,
    private readonly limitBytes: number,
  ) {}

  /** Offset in the file of the next byte to take. */
  get offset(): number {
    return this.base + this.start;
  }

  /** Bytes from here to where reading must stop. */
  get remainingBytes(): number {
    return Math.min(this.fileBytes, this.limitBytes) - this.offset;
  }

  has(bytes: number): boolean {
    return this.end - this.start >= bytes;
  }

  async fill(bytes: number): Promise<void> {
    if (this.has(bytes)) {
      return;
    }
    this.checkRemaining(bytes);
    this.makeRoom(bytes);
    while (!this.has(bytes)) {
      const room = Math.min(this.buffer.length - this.end, this.fileBytes - this.base - this.end);
      const { bytesRead } = await this.file.read(this.buffer, this.end, room, this.base + this.end);
      if (bytesRead === 0) {
        throw new ModelFileProblem("the file became shorter while it was being read");
      }
      this.end += bytesRead;
    }
  }

  /** Moves past `bytes` without reading what is not in the window. */
  skip(bytes: number): void {
    this.checkRemaining(bytes);
    if (this.has(bytes)) {
      this.start += bytes;
      return;
    }
    this.base = this.offset + bytes;
    this.start = 0;
    this.end = 0;
  }

  takeU8(): number {
    const value = this.buffer.readUInt8(this.start);
    this.start += 1;
    return value;
  }

  takeI8(): number {
    const value = this.buffer.readInt8(this.start);
    this.start += 1;
    return value;
  }

  takeU16(): number {
    const value = this.buffer.readUInt16LE(this.start);
    this.start += 2;
    return value;
  }

  takeI16(): number {
    const value = this.buffer.readInt16LE(this.start);
    this.start += 2;
    return value;
  }

  takeU32(): number {
    const value = this.buffer.readUInt32LE(this.start);
    this.start += 4;
    return value;
  }

  takeI32(): number {
    const value = this.buffer.readInt32LE(this.start);
    this.start += 4;
    return value;
  }

  takeF32(): number {
    const value = this.buffer.readFloatLE(this.start);
    this.start += 4;
    return value;
  }

  takeF64(): number {
    const value = this.buffer.readDoubleLE(this.start);
    this.start += 8;
    return value;
  }

  /** An unsigned 64-bit value; from 2^53 on it is only approximate, which is beyond every limit that we check. */
  takeU64(): number {
    const low = this.takeU32();
    return this.takeU32() * TWO_POW_32 + low;
  }

  /** A signed 64-bit value, approximate beyond ±2^53. */
  takeI64(): number {
    const low = this.takeU32();
    return this.takeI32() * TWO_POW_32 + low;
  }

  /** Everything in the window that is not taken yet, valid until the next `fill`; say with `skip` how much was used. */
  get buffered(): Uint8Array {
    return this.buffer.subarray(this.start, this.end);
  }

  /** A view of the next `bytes` bytes, valid until the next `fill`. */
  takeView(bytes: number): Uint8Array {
    const view = this.buffer.subarray(this.start, this.start + bytes);
    this.start += bytes;
    return view;
  }

  private checkRemaining(bytes: number): void {
    if (bytes <= this.remainingBytes) {
      return;
    }
    if (this.offset + bytes > this.fileBytes) {
      throw new ModelFileProblem(
        `its header is cut short: at byte ${this.offset} it announces more than the file's ${this.fileBytes} bytes hold`,
      );
    }
    throw new ModelFileProblem(`its header is longer than ${this.limitBytes} bytes`);
  }

  private makeRoom(bytes: number): void {
    const buffer = bytes > this.buffer.length ? Buffer.allocUnsafeSlow(bytes) : this.buffer;
    if (this.start > 0 || buffer !== this.buffer) {
      this.buffer.copy(buffer, 0, this.start, this.end);
      this.base += this.start;
      this.end -= this.start;
      this.start = 0;
      this.buffer = buffer;
    }
  }
}
