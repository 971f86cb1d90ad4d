import assert from "node:assert/strict";
import { encodeFrame, FRAME_BYTES_MAX, FrameDecoder, FrameError } from "./frames";

function decodeAll(decoder: FrameDecoder, chunks: readonly Buffer[]): unknown[] {
  const values: unknown[] = [];
  for (const chunk of chunks) {
    decoder.push(chunk);
    for (let frame = decoder.next(); frame !== undefined; frame = decoder.next()) {
      values.push(frame.value);
    }
  }
  return values;
}

const lengthOf = (bytes: number): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes);
  return length;
};

describe("frames", () => {
  const messages = [{ a: 1 }, "x", null, { text: "naïve 🔥 \u2028" }, []];
  const stream = Buffer.concat(messages.map(encodeFrame));

  it("come out as they went in, wherever the stream is cut", () => {
    for (let size = 1; size <= stream.length; ++size) {
      const chunks: Buffer[] = [];
      for (let at = 0; at < stream.length; at += size) {
        chunks.push(stream.subarray(at, at + size));
      }
      assert.deepEqual(decodeAll(new FrameDecoder(), chunks), messages);
    }
  });

  it("too large are refused by their length alone, also when nothing else has come", () => {
    const decoder = new FrameDecoder();
    decoder.push(lengthOf(FRAME_BYTES_MAX + 1));
    assert.throws(() => decoder.next(), FrameError);
    assert.throws(() => encodeFrame("x".repeat(FRAME_BYTES_MAX)), FrameError);
  });

  it("may be as large as the limit, which can be raised between two", () => {
    const decoder = new FrameDecoder(10);
    assert.deepEqual(decodeAll(decoder, [encodeFrame("12345678")]), ["12345678"]);
    const larger = encodeFrame("123456789");
    decoder.push(larger);
    assert.throws(() => decoder.next(), FrameError);
    decoder.bytesMax = 11;
    assert.deepEqual(decoder.next(), { value: "123456789", bytes: 11 });
  });

  it("that are no UTF-8 JSON are refused", () => {
    for (const body of [Buffer.from("{"), Buffer.from(""), Buffer.from([0x22, 0xff, 0x22])]) {
      const decoder = new FrameDecoder();
      decoder.push(Buffer.concat([lengthOf(body.length), body]));
      assert.throws(() => decoder.next(), FrameError);
    }
  });

  it("a piece at a time cost no more than their bytes", () => {
    // One byte a chunk: joining all chunks anew for each would take minutes.
    const decoder = new FrameDecoder();
    const large = encodeFrame("x".repeat(1_000_000));
    for (let at = 0; at < large.length; at += 10) {
      decoder.push(large.subarray(at, at + 10));
      assert.equal(at + 10 < large.length ? decoder.next() : undefined, undefined);
    }
    assert.equal((decoder.next()!.value as string).length, 1_000_000);
  });
});
