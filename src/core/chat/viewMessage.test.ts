import assert from "node:assert/strict";
import type { ViewMessage } from "../../protocol/chat";
import { isViewMessage } from "./viewMessage";

const MESSAGES: readonly ViewMessage[] = [
  { kind: "ready" },
  { kind: "send", text: "" },
  { kind: "stop" },
  { kind: "regenerate", turn: 2 },
  { kind: "resend", turn: 1, text: "a" },
  { kind: "draft", text: "a" },
  { kind: "mentions", query: "" },
  { kind: "attach", mention: { name: "a.ts", kind: "file", detail: "" } },
  { kind: "detach", attachment: "editor" },
  { kind: "newConversation" },
  { kind: "openConversation", conversation: "1" },
  { kind: "renameConversation", conversation: "1", title: "a" },
  { kind: "deleteConversation", conversation: "1" },
  { kind: "exportConversation", conversation: "1" },
  { kind: "copyCode", code: "a" },
  { kind: "insertCode", code: "a" },
  { kind: "applyCode", code: "a", language: "ts" },
  { kind: "openAttachment", attachment: "editor" },
  { kind: "openAttachment", attachment: "editor", turn: 1 },
  { kind: "openLink", href: "https://example.org" },
  { kind: "chooseModel" },
  { kind: "tryAnyway" },
  { kind: "restartEngine" },
  { kind: "showLog" },
  { kind: "openEndpoint" },
  { kind: "setEndpointKey" },
  { kind: "computeHere" },
];

describe("a message of the view", () => {
  for (const message of MESSAGES) {
    it(`${JSON.stringify(message)} is taken, and with anything else in its fields it is not`, () => {
      assert.ok(isViewMessage(message));
      for (const name of Object.keys(message)) {
        for (const wrong of [null, {}, [], -1, 1.5, true, "x".repeat(300_000)]) {
          assert.equal(isViewMessage({ ...message, [name]: wrong }), false, name);
        }
        if (name !== "turn" || message.kind !== "openAttachment") {
          assert.equal(isViewMessage({ ...message, [name]: undefined }), false, name);
        }
      }
    });
  }

  it("is none where it is no object of a known kind", () => {
    for (const value of [
      undefined,
      null,
      "ready",
      1,
      [],
      {},
      { kind: "constructor" },
      { kind: "__proto__" },
      { kind: 1 },
    ]) {
      assert.equal(isViewMessage(value), false);
    }
    assert.equal(isViewMessage(Object.create({ kind: "send", text: "a" })), false);
  });
});
