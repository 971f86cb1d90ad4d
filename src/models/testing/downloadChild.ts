// A process that downloads and may be killed: `downloadChild.ts FOLDER ENDPOINT`. Prints what came of it.
import { downloadModel } from "../download";
import { realDisk } from "../disk";
import { nodeHttp } from "../../network/nodeHttp";
import { parseReference } from "../reference";
import { SHORT_LIMITS } from "./downloads";
import { FILE, REPOSITORY } from "./loopbackHub";

const [folder = "", endpoint = ""] = process.argv.slice(2);
const reference = parseReference(`${REPOSITORY}/${FILE}`);
if (reference.kind !== "hub") {
  throw new Error("not a hub's file");
}
downloadModel(reference, {
  folder,
  http: nodeHttp,
  limits: { ...SHORT_LIMITS, pieceBytes: 8 * 1024, saveMs: 0, stallMs: 10_000 },
  disk: realDisk,
  endpoint: new URL(endpoint),
  signal: new AbortController().signal,
}).then(
  () => {
    process.stdout.write("done");
  },
  (error: unknown) => {
    process.stdout.write(String(error));
    process.exitCode = 1;
  },
);
