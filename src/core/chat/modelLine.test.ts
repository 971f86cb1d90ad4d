import assert from "node:assert/strict";
import type { ModelLine } from "../../protocol/chat";
import { EngineError } from "../../protocol/errors";
import { type ChatFacts, modelLine } from "./modelLine";

const STARTER = { title: "Starter", capabilities: ["complete"] } as const;
const INSTRUCT = { title: "4B", capabilities: ["complete", "chat"] } as const;

describe("the model's line in the chat", () => {
  const CASES: readonly [ChatFacts["engine"], Partial<ChatFacts>, ModelLine][] = [
    [{ kind: "asleep" }, {}, { kind: "asleep" }],
    [{ kind: "starting" }, {}, { kind: "loading", part: 0 }],
    [{ kind: "restarting" }, {}, { kind: "loading", part: 0 }],
    [{ kind: "loading", part: 0.4 }, {}, { kind: "loading", part: 0.4 }],
    [{ kind: "ready", model: INSTRUCT }, {}, { kind: "ready", title: "4B" }],
    [{ kind: "ready", model: INSTRUCT }, { decodeTps: 9 }, { kind: "ready", title: "4B", decodeTps: 9 }],
    [{ kind: "ready", model: STARTER }, {}, { kind: "cannotChat", title: "Starter", tried: false }],
    [{ kind: "ready", model: STARTER }, { tried: true }, { kind: "cannotChat", title: "Starter", tried: true }],
    [
      { kind: "failed", error: new EngineError("memory", "too big") },
      {},
      { kind: "failed", code: "memory", message: "too big" },
    ],
    [
      { kind: "ended", reason: "requested" },
      {},
      { kind: "failed", code: "disconnected", message: "The engine was stopped on request." },
    ],
  ];
  for (const [engine, more, line] of CASES) {
    it(JSON.stringify({ ...engine, ...more }), () => {
      assert.deepEqual(modelLine({ engine, tried: false, decodeTps: undefined, ...more }), line);
    });
  }

  it("names the starter, and says why there is no engine, in the editor's language", () => {
    const german = (message: string): string => `de ${message}`;
    const line = (engine: ChatFacts["engine"]): ModelLine =>
      modelLine({ engine, tried: false, decodeTps: undefined }, german);
    const starter = { ...STARTER, title: "Hearth starter model" };
    assert.deepEqual(line({ kind: "ready", model: starter }), {
      kind: "cannotChat",
      title: "de Starter model",
      tried: false,
    });
    const ended = line({ kind: "ended", reason: "terminated" });
    assert.match(ended.kind === "failed" ? ended.message : "", /^de The engine was stopped by/);
  });
});
