import assert from "node:assert/strict";
import type { Message } from "vscode-jsonrpc/node";
import { REQUEST_BYTES_MAX, REQUESTS_MAX, Unanswered } from "./unanswered";

const request = (id: number): Message => ({ jsonrpc: "2.0", id, method: "stats", params: {} }) as Message;
const answer = (id: number): Message => ({ jsonrpc: "2.0", id, result: {} }) as Message;
const cancel = (id: number): Message => ({ jsonrpc: "2.0", method: "$/cancelRequest", params: { id } }) as Message;

describe("Unanswered", () => {
  it("refuses a request when as many are unanswered, until one is answered", () => {
    const unanswered = new Unanswered();
    for (let id = 0; id < REQUESTS_MAX; id++) {
      assert.equal(unanswered.received(request(id), 10), "deliver");
    }
    assert.equal(unanswered.received(request(REQUESTS_MAX), 10), "busy");
    unanswered.sent(answer(7));
    assert.equal(unanswered.received(request(REQUESTS_MAX), 10), "deliver");
  });

  it("refuses what is too long together", () => {
    const unanswered = new Unanswered();
    assert.equal(unanswered.received(request(1), REQUEST_BYTES_MAX - 10), "deliver");
    assert.equal(unanswered.received(request(2), 11), "busy");
    assert.equal(unanswered.received(request(3), 10), "deliver");
    unanswered.sent(answer(1));
    unanswered.sent(answer(1));
    assert.equal(unanswered.received(request(2), REQUEST_BYTES_MAX - 10), "deliver");
    assert.equal(unanswered.received(request(4), 1), "busy");
  });

  it("delivers the first cancel of what is unanswered, and no other", () => {
    const unanswered = new Unanswered();
    assert.equal(unanswered.received(cancel(1), 1), "drop");
    assert.equal(unanswered.received({ jsonrpc: "2.0", method: "$/cancelRequest" } as Message, 1), "deliver");
    unanswered.received(request(1), 1);
    assert.equal(unanswered.received(cancel(1), 1), "deliver");
    assert.equal(unanswered.received(cancel(1), 1), "drop");
    unanswered.sent(answer(1));
    assert.equal(unanswered.received(cancel(1), 1), "drop");
  });

  it("has nothing of one number twice", () => {
    const unanswered = new Unanswered();
    unanswered.received(request(1), 1);
    assert.equal(unanswered.received(request(1), 1), "wrong");
    // What this side notifies of is no answer.
    unanswered.sent({ jsonrpc: "2.0", method: "text", params: {} } as Message);
    assert.equal(unanswered.received(request(1), 1), "wrong");
  });
});
