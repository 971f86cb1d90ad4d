import { readFileSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { networkInterfaces } from "node:os";
import { join } from "node:path";
import { EngineClient } from "../../src/engine/client/client";
import type { GenerateReport } from "../../src/protocol/generation";
import { type Ended, hearth, ROOT, STARTER } from "./hearth";

/**
 * What a user does, run by offline.test.ts in a network namespace without a route: `offlineJourney.ts FOLDER` prints one JSON
 * object, a Journey.
 */
export interface Journey {
  /** Of a connection to an address elsewhere, e.g. "ENETUNREACH". */
  readonly connectError: string;
  /** Of the system's table of interfaces: those with an address. */
  readonly interfaces: readonly string[];
  readonly complete: Ended;
  readonly chat: Ended;
  readonly edit: Ended;
  readonly rewrite: Ended;
  readonly doctor: Ended;
  readonly engineNetwork: string;
  readonly engineCompletion: Generated;
  readonly engineChat: Generated;
}

interface Generated {
  readonly text: string;
  readonly finish: GenerateReport["finish"];
}

/** Of the documentation's addresses (RFC 5737): nobody answers there, but whoever has a route waits instead of failing at once. */
const ELSEWHERE = "192.0.2.1";
const CODE = "def add(a, b):\n    return a + b\n\n\ndef subtract(a, b):\n    return ";
const EDITED = "function add(a: number, b: number) {\n  return a + b;\n}\n";

async function journey(folder: string): Promise<Journey> {
  const env = { HEARTH_RUNTIME_DIR: join(folder, "run"), HEARTH_MODELS: join(folder, "models") };
  const [file, edited] = [join(folder, "math.py"), join(folder, "math.ts")];
  writeFileSync(file, CODE);
  writeFileSync(edited, EDITED);
  const run = (...args: readonly string[]): Promise<Ended> => hearth(args, { env });
  const complete = await run("complete", `${file}:6:12`, "--json");
  const chat = await run("chat", "--prompt", "Hello", "--try-anyway", "--max-tokens", "12", "--json");
  const instruction = ["--kind", "refactor", "--instruction", "name the sum"];
  const edit = await run("edit", `${edited}:1-3`, ...instruction, "--try-anyway");
  const answer = "```ts\nfunction add(a: number, b: number) {\n  const sum = a + b;\n  return sum;\n}\n```";
  const rewrite = await run("edit", `${edited}:1-3`, ...instruction, `--answer=${answer}`, "--write");
  let engineNetwork = "";
  const client = new EngineClient({
    name: "offline",
    engineScript: join(ROOT, "dist", "engine.js"),
    env: { ...process.env, ...env },
    onConnection: (connection) => {
      if (connection.kind === "connected") {
        engineNetwork = connection.hello.network;
      }
    },
  });
  try {
    await client.openModel({ path: STARTER });
    const prompt = [{ kind: "text", text: CODE } as const];
    const engineCompletion = await all(client.complete("math.py", prompt, { priority: "completion", maxTokens: 8 }));
    const message = { role: "user", content: "Hello" } as const;
    const engineChat = await all(client.chat("c", [message], { priority: "chat", maxTokens: 8 }));
    const doctor = await run("doctor", "--json");
    return {
      connectError: await connectErrorOf(ELSEWHERE),
      interfaces: Object.keys(networkInterfaces()),
      complete,
      chat,
      edit,
      rewrite: { ...rewrite, stdout: readFileSync(edited, "utf8") },
      doctor,
      engineNetwork,
      engineCompletion,
      engineChat,
    };
  } finally {
    await client.shutdown("requested");
    client.dispose();
  }
}

async function all(stream: ReturnType<EngineClient["complete"]>): Promise<Generated> {
  let text = "";
  for await (const piece of stream) {
    text += piece.text;
  }
  return { text, finish: (await stream.report)?.finish ?? "cancelled" };
}

/** Errors: none; "connected" and "no answer" where there is a way. */
function connectErrorOf(host: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(443, host);
    const end = (what: string): void => {
      socket.destroy();
      resolve(what);
    };
    socket.setTimeout(5000, () => {
      end("no answer");
    });
    socket.once("connect", () => {
      end("connected");
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      end(error.code ?? error.message);
    });
  });
}

journey(process.argv[2] ?? "").then(
  (done) => process.stdout.write(JSON.stringify(done)),
  (error: unknown) => {
    process.stderr.write(String(error));
    process.exitCode = 1;
  },
);
