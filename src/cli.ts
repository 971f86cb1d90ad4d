import { writeSync } from "node:fs";
import { bench, benchOptions } from "./cli/bench";
import { chat, chatOptions } from "./cli/chat";
import { complete, completeOptions } from "./cli/complete";
import { doctor, doctorOptions } from "./cli/doctor";
import { edit, editOptions } from "./cli/edit";
import { engine, engineCommandOptions } from "./cli/engine";
import { evalOptions, evaluate } from "./cli/eval";
import { inspect, inspectOptions } from "./cli/inspect";
import { logits, logitsOptions } from "./cli/logits";
import { isDownload, models, modelsOptions } from "./cli/models";
import {
  type Arguments,
  engineOptionsHelp,
  type OptionTable,
  parseCommandLine,
  UsageError,
  usageError,
} from "./cli/options";
import { replay } from "./cli/replay";
import { tokenize, tokenizeOptions } from "./cli/tokenize";
import { trace, traceOptions } from "./cli/trace";
import { loadNativeAddon } from "./engine/local/native";
import { terminalText } from "./core/visibleText";
import { EngineError } from "./protocol/errors";
import { ModelsError } from "./protocol/models";

const HELP = `hearth: private code completion on your own CPU

  hearth complete FILE:LINE:COLUMN [--max-tokens N] [--json]
      what an editor would insert there; lines and columns count from 1
  hearth complete FILE:LINE:COLUMN --answer=TEXT [--json]
      the same as if a model had answered TEXT, and the file after accepting it; loads no model
      both take [--language ID] [--trigger automatic|manual] [--tab-size N] [--insert-spaces|--tabs]
  hearth chat [--prompt S] [--system S] [--max-tokens N] [--try-anyway] [--json]
      answers the prompt, or holds a conversation, a message a line
  hearth edit FILE:FIRST-LAST --kind refactor|document|fix [--instruction S] [--answer=TEXT] [--write] [--json]
  hearth edit FILE:LINE --kind apply --answer=TEXT [--write] [--json]
      prints the difference that the editor would propose: the lines rewritten, or a chat's code block put where it belongs;
      by a model's answer, or with --answer by that text; [--language ID]
  hearth edit FILE --kind names --current NAME [--answer=TEXT] [--json]
  hearth edit --kind commit [--answer=TEXT] [--json]
      suggests new names for NAME; writes a commit message for what is staged here
  hearth models list [--json]
      installed models, unfinished downloads, and what suits this machine
  hearth models download NAME [--sha256 H] [--latest] [--mirror URL]
      NAME is an id of the list, org/repo/file.gguf or a URL; resumes where an earlier download stopped. HF_ENDPOINT names a
      mirror, HF_TOKEN holds a token for files that require one
  hearth models verify [NAME…] | remove NAME | import [FILE…]
      verify: hashes files again; remove: deletes one; import: uses files where they lie, by default those in the folders of
      Hugging Face, LM Studio and Ollama
      all take [--folder DIR]; default: HEARTH_MODELS or the user's data folder
  hearth doctor [--json]
      what Hearth has open, as the system lists it, what it has stored, and every request that it ever made; fails if
      anything is open that is not local
  hearth doctor --delete [--models] [--yes] [--json]
      stops the engine and deletes everything that Hearth has stored, except what editors keep; --models: downloaded models, too
      both take [--folder DIR], another folder of models
  hearth inspect [MODEL] [--self-test] [--json]
      what a model file says about itself, and how it is prompted; --self-test finds that out now where it is not known
  hearth inspect --reads PATH [--workspace DIR] [--json]
      whether Hearth may read a file for completion, chat or context, and if not, which rule forbids it
  hearth tokenize [MODEL] (--text S | --file F) [--json]
      the token ids of a text
  hearth logits [MODEL] --tokens 1,2,3|@ids.json --out F.f32 [--all] [--chunk N] [--trace-routing F.json]
      float32 little-endian [n_vocab] after the last token; --all: [n_token, n_vocab]
  hearth engine warm|statistics|stop [--keep-alive-minutes N]
      the process that all your windows share: load a model into it, see what it does, stop it
  hearth bench [MODEL] [--prompt 512] [--generate 64] [--depth 0] [--text F] [--chunk N] [--json]
      tokens a second on real text
  hearth trace [MODEL] [--text F] [--tokens 2048] [--output F.jsonl] [--depth 4] [--chunk N]
      which experts a text needs, and which can be predicted: a JSON header line, then one line per token; for bench/experts
  hearth eval FILE… [--workspace DIR] [--seed N] [--eagerness careful|balanced|eager]
              [--no-memory] [--no-workspace] [--no-healing] [--no-gate] [--json]
  hearth eval --cursors FILE.jsonl[.gz|.xz] [the same]
      measures suggestions: while the files are typed, on a virtual clock, or at cursors in lines of real commits.
      --no-gate shows everything that is generated, however unsure.
      --definitions FILE.json: what an editor's providers answered at the cursors, for models that know other files.
      --layout continuation|suffix-comment|chat-fill|suffix-first|prefix-first|peer overrides the model's own prompt layout,
      --details FILE writes a JSON line for each pause or cursor. See docs/completion.md.
  hearth replay TRACE [--json]
      replays a scripted editing session at its own pace through an engine process of its own; see bench/keystrokes

Common options
  --model M              a GGUF file, or the name of an installed model; default: the built-in starter model
${engineOptionsHelp()}  --prefetch on|exact|off
                         read experts ahead of their use: by prediction (default), only once a layer asks for them, or never
  --temperature T --top-k K --top-p P --min-p P --seed N

Exit codes: 0 success, 1 failure (stderr says why), 2 wrong usage.
`;

interface Command {
  readonly run: (args: Arguments) => Promise<void>;
  readonly options: OptionTable;
  /** All others lose it before they begin, for themselves and for what they start. */
  readonly usesNetwork?: (args: Arguments) => boolean;
}

const COMMANDS: Readonly<Record<string, Command>> = {
  complete: { run: complete, options: completeOptions },
  chat: { run: chat, options: chatOptions },
  edit: { run: edit, options: editOptions },
  engine: { run: engine, options: engineCommandOptions },
  models: { run: models, options: modelsOptions, usesNetwork: isDownload },
  doctor: { run: doctor, options: doctorOptions },
  inspect: { run: inspect, options: inspectOptions },
  tokenize: { run: tokenize, options: tokenizeOptions },
  logits: { run: logits, options: logitsOptions },
  bench: { run: bench, options: benchOptions },
  trace: { run: trace, options: traceOptions },
  eval: { run: evaluate, options: evalOptions },
  replay: { run: replay, options: {} },
};

/** Where the native engine cannot be loaded, the command that needs it says so. */
function denyNetwork(): void {
  try {
    loadNativeAddon().denyNetwork();
  } catch (error) {
    if (!(error instanceof EngineError)) {
      throw error;
    }
  }
}

async function main(argv: readonly string[]): Promise<void> {
  const [name, ...rest] = argv;
  if (name === undefined || name === "--help" || name === "-h" || name === "help" || rest.includes("--help")) {
    process.stdout.write(HELP);
    return;
  }
  const command = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (command === undefined) {
    throw usageError(`there is no command '${name}'`);
  }
  const args = parseCommandLine(rest, command.options);
  if (command.usesNetwork?.(args) !== true) {
    denyNetwork();
  }
  await command.run(args);
}

// A reader that has seen enough (`hearth … | head`) is no error; a full disk is.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code === "EPIPE") {
    process.exit(0);
  }
  try {
    writeSync(2, `hearth: cannot write the output: ${error.code ?? error.message}\n`);
  } catch {
    // Nobody is left to tell.
  }
  process.exit(1);
});
// Nobody reads the messages either: the exit code says it.
process.stderr.on("error", () => undefined);

main(process.argv.slice(2)).catch((error: unknown) => {
  if (error instanceof EngineError || error instanceof ModelsError || error instanceof UsageError) {
    // One line, whatever names of files have in them.
    process.stderr.write(terminalText(`hearth: ${error.message.replaceAll(/[\r\n]+/g, " ")}\n`));
    process.exitCode = error instanceof UsageError ? 2 : 1;
    return;
  }
  if (error instanceof Error && "syscall" in error && error.syscall === "uv_cwd") {
    process.stderr.write("hearth: the current folder has been deleted; change to one that is there\n");
    process.exitCode = 1;
    return;
  }
  // Ours to mend: the stack says where.
  const said = error instanceof Error ? (error.stack ?? error.message) : String(error);
  process.stderr.write(terminalText(`hearth: internal error: ${said}\n`));
  process.exitCode = 1;
});
