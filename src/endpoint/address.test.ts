import assert from "node:assert/strict";
import { endpointUrl, parseEndpoint } from "./address";

describe("the address of an endpoint", () => {
  it("may be written with or without what follows the host", () => {
    for (const given of [
      "http://box:8000",
      " http://box:8000/ ",
      "http://box:8000/v1",
      "http://box:8000/v1/",
      "http://box:8000/v1/completions",
      "http://box:8000/v1/chat/completions",
    ]) {
      assert.equal(endpointUrl(parseEndpoint(given), "/models").href, "http://box:8000/v1/models", given);
    }
    assert.equal(endpointUrl(parseEndpoint("https://a.b/ray/v1"), "/models").href, "https://a.b/ray/v1/models");
    assert.equal(endpointUrl(parseEndpoint("https://a.b/api/v3"), "/models").href, "https://a.b/api/v3/models");
  });

  it("can be read on the way only beyond this machine and without TLS", () => {
    const readable = (given: string): boolean => parseEndpoint(given).isReadable;
    assert.deepEqual(
      ["http://box:8000", "http://192.168.0.2", "http://127.0.0.1.example.org", "http://10.0.0.1"].map(readable),
      [true, true, true, true],
    );
    assert.deepEqual(
      ["https://box", "http://localhost:1", "http://127.0.0.1:1", "http://[::1]:1", "http://127.9.0.1"].map(readable),
      [false, false, false, false, false],
    );
  });

  it("is refused with what to do", () => {
    const refused: readonly (readonly [string, RegExp])[] = [
      ["box:8000", /write one such as http:\/\/gpu-box:8000/],
      ["ftp://box", /it is not the address of a server/],
      ["https://me:secret@box", /has a name or a password in it/],
      ["https://box/v1?key=secret", /has a query/],
      ["", /it is not the address/],
    ];
    for (const [given, message] of refused) {
      assert.throws(() => parseEndpoint(given), { code: "endpoint", message }, given);
      assert.throws(
        () => parseEndpoint(given),
        (error: Error) => !error.message.includes("secret"),
      );
    }
  });
});
