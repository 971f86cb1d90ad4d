import assert from "node:assert";
import { text } from "node:stream/consumers";
import { runInThisContext } from "node:vm";
import { Template } from "@huggingface/jinja";
import { hasCode } from "../protocol/errors";

/**
 * The program of a process that renders one chat template and ends: the twin of `chatTemplate.ts`, which starts it.
 *
 * A template comes with a downloaded file and is a program, so it runs where it can do no harm: a list of a billion
 * elements makes V8 abort the whole process, threads with a memory limit of their own included.
 *
 * It writes `READY`, reads one `RenderJob` as JSON from stdin, writes one `RenderReply` as JSON and exits.
 */

export interface RenderJob {
  readonly template: string;
  /** The template's variables: `messages` and so on. */
  readonly variables: Readonly<Record<string, unknown>>;
  readonly timeLimitMs: number;
  readonly outputCharsMax: number;
}

export type RenderReply =
  | { readonly kind: "text"; readonly text: string }
  /** `reason` continues a sentence that begins with "it". */
  | { readonly kind: "failed"; readonly reason: string };

/** Anything that goes wrong before this line is a fault of the packaging, not of the template. */
const READY = "ready\n";
const REASON_CHARS_MAX = 200;

function render(job: RenderJob): RenderReply {
  try {
    const rendered = withinTime(job.timeLimitMs, () => new Template(job.template).render({ ...job.variables }));
    if (rendered.length > job.outputCharsMax) {
      return { kind: "failed", reason: `gives more than ${String(job.outputCharsMax)} characters` };
    }
    return { kind: "text", text: rendered };
  } catch (error) {
    if (hasCode(error, "ERR_SCRIPT_EXECUTION_TIMEOUT")) {
      return { kind: "failed", reason: `takes longer than ${String(job.timeLimitMs)} ms` };
    }
    const reason = error instanceof Error ? error.message : String(error);
    return { kind: "failed", reason: `fails with "${reason.slice(0, REASON_CHARS_MAX)}"` };
  }
}

/** Runs `work` and stops it when its time is up; a timer alone could not, because the thread is busy. */
function withinTime<T>(timeLimitMs: number, work: () => T): T {
  // A script sees globals only.
  let result: { readonly value: T } | undefined;
  Object.assign(globalThis, {
    hearthWork: () => {
      result = { value: work() };
    },
  });
  runInThisContext("hearthWork()", { timeout: timeLimitMs });
  assert(result !== undefined);
  return result.value;
}

process.stdout.write(READY);
void text(process.stdin).then((input) => {
  // Written by our own side of the pipe.
  process.stdout.write(JSON.stringify(render(JSON.parse(input) as RenderJob)));
});
