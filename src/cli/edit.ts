import { terminalText } from "../core/visibleText";
import { execFile } from "node:child_process";
import { join } from "node:path";
import { promisify } from "node:util";
import { boundedDiff, cleanCommitMessage, type FileDiff } from "../core/edit/commitMessage";
import { codeOfAnswer } from "../core/edit/answer/answerCode";
import { fenceInfo, languageNamed } from "../core/edit/answer/fenceInfo";
import { answerParts } from "../core/edit/answer/answerParts";
import { placeCode } from "../core/edit/codePlace";
import { commitPrompt, namesPrompt, rewritePrompt, type RewriteTask } from "../core/edit/editPrompt";
import { type LineRange, linesOf } from "../core/edit/lineDiff";
import { namesIn } from "../core/edit/nameList";
import { rewriteOf } from "../core/edit/rewriteResult";
import { englishSentence, type Sentence } from "../core/edit/sentence";
import { unifiedDiff } from "../core/edit/unifiedDiff";
import { secretContentRule } from "../core/reading/secretContent";
import { detectIndentation, type Indentation } from "../core/indentation";
import { languageIdOfPath } from "../core/language";
import { EngineError } from "../protocol/errors";
import { indentationOfFile } from "./configuredIndentation";
import { readUtf8, writingFile } from "./documents";
import { type TextLines, textLines, withLines } from "./editedText";
import { askModel, type ModelAnswer } from "./editModel";
import { type Arguments, flagOption, textOption, usageError } from "./options";
import { promptPath } from "./promptPath";
import { readVerdict } from "./reads";
import { printJson } from "./session";

export const editOptions = {
  kind: { type: "string" },
  instruction: { type: "string" },
  answer: { type: "string" },
  language: { type: "string" },
  current: { type: "string" },
  write: { type: "boolean" },
  "try-anyway": { type: "boolean" },
} as const;

const KINDS = ["refactor", "document", "fix", "apply", "names", "commit"] as const;
type Kind = (typeof KINDS)[number];

/** How many times as long as the code an answer may get. */
const GROWTH = { refactor: 2.5, document: 3, fix: 2 } as const;
const COMMIT_DIFF_CHARS_MAX = 7500;

/** `hearth edit`: what the editor would make of a model's answer, or of its model's. */
export async function edit(args: Arguments): Promise<void> {
  const kind = kindOf(args);
  switch (kind) {
    case "commit":
      await editCommit(args);
      break;
    case "names":
      await editNames(args);
      break;
    case "apply":
      await editApply(args);
      break;
    default:
      await editRewrite(args, kind);
  }
}

function kindOf(args: Arguments): Kind {
  const given = textOption(args, "kind");
  const kind = KINDS.find((each) => each === given);
  if (kind === undefined) {
    throw usageError(
      `--kind must be ${KINDS.slice(0, -1).join(", ")} or commit${given === undefined ? "" : `, not '${given}'`}`,
    );
  }
  return kind;
}

/** A file in the way that an editor has it open. */
interface OpenFile {
  readonly file: string;
  readonly path: string;
  readonly languageId: string;
  readonly text: TextLines;
  readonly whole: string;
  readonly indentation: Indentation;
}

async function openFile(file: string, languageId?: string): Promise<OpenFile> {
  const whole = await readUtf8(file, "edit");
  const path = promptPath(file);
  const text = textLines(whole);
  const joined = text.lines.join("\n");
  const indentation = await indentationOfFile(file, joined, detectIndentation(joined));
  return { file, path, languageId: languageId ?? languageIdOfPath(path), text, whole, indentation };
}

async function editRewrite(args: Arguments, kind: "refactor" | "document" | "fix"): Promise<void> {
  const place = placeOf(
    args,
    /^(.+):(\d+)-(\d+)$/s,
    `edit --kind ${kind} takes lines of a file, FILE:FIRST-LAST, counted from 1`,
  );
  const open = await openFile(place.file, textOption(args, "language"));
  const { lines } = open.text;
  const range = rangeIn(open, place.first, place.last);
  const { path, languageId } = open;
  const answer = await answerFor(args, open.file, async () => {
    const task = taskOf(args, kind);
    return askModel(args, {
      document: { path, languageId, lines },
      range,
      growth: GROWTH[kind],
      messages: (excerpt) => rewritePrompt(excerpt, task, range.start),
    });
  });
  const { indentation } = open;
  const spot = { path, languageId, indentation, lines, range };
  const result = rewriteOf(answer.text, spot, { kind, hasEnded: answer.hasEnded });
  if (result.kind === "none") {
    await finish(args, open, { reason: result.reason });
    return;
  }
  const changed = [...lines.slice(0, result.range.start), ...result.lines, ...lines.slice(result.range.end)];
  await finish(args, open, { lines: changed, warnings: result.warnings });
}

async function editApply(args: Arguments): Promise<void> {
  const place = placeOf(
    args,
    /^(.+):(\d+)()$/s,
    "edit --kind apply takes the line of the cursor, FILE:LINE, counted from 1",
  );
  const given = textOption(args, "language");
  const answer = textOption(args, "answer");
  if (answer === undefined) {
    throw usageError("edit --kind apply takes the block of code with --answer");
  }
  const open = await openFile(place.file);
  const { start: cursorLine } = rangeIn(open, place.first, place.first);
  const { lines } = open.text;
  const named = given === undefined ? "" : languageNamed(given);
  // It says what the file is where its name does not, and else what the block is.
  const isKnown = open.languageId !== "plaintext";
  const languageId = isKnown || named === "" || named === "diff" ? open.languageId : named;
  const info = isKnown || named === "diff" ? (given ?? "") : "";
  const { indentation } = open;
  const block = blockOf(answer, info, open, lines);
  const placement = placeCode(block, { lines, languageId, indentation, cursorLine });
  if (placement.kind === "placed") {
    await finish(args, open, placement);
  } else {
    await finish(args, open, { reason: placement.kind === "unchanged" ? UNCHANGED : placement.reason });
  }
}

/** A block as it is, or the one of an answer that has talk around it. */
function blockOf(
  answer: string,
  info: string,
  { path, languageId }: OpenFile,
  original: readonly string[],
): { lines: readonly string[]; info: string } {
  const parts = answerParts(answer, original);
  const [first] = parts;
  const isBare = !parts.some(({ kind }) => kind === "code") || languageId === "markdown";
  if (isBare || first === undefined) {
    return { lines: linesOf(answer.replace(/\r?\n$/, "")), info };
  }
  const code = codeOfAnswer(answer, { languageId, path, original });
  const chosen = parts.find((part) => part.kind === "code" && code.kind !== "none" && part.lines === code.lines);
  const block = chosen ?? parts.find((part) => part.kind === "code");
  return block?.kind === "code"
    ? { lines: block.lines, info: block.info === "" || fenceInfo(block.info).language === "" ? info : block.info }
    : { lines: linesOf(answer), info };
}

async function editNames(args: Arguments): Promise<void> {
  const [file, ...others] = args.positionals;
  const current = textOption(args, "current");
  if (file === undefined || others.length > 0 || current === undefined || current === "") {
    throw usageError("edit --kind names takes a file, and the name with --current");
  }
  const open = await openFile(file, textOption(args, "language"));
  const { lines } = open.text;
  const { path, languageId } = open;
  const answer = await answerFor(args, open.file, () => {
    const at = Math.max(
      0,
      lines.findIndex((line) => line.includes(current)),
    );
    const range = { start: Math.max(0, at - 15), end: Math.min(lines.length, at + 15) };
    const messages = (excerpt: Parameters<typeof namesPrompt>[0]): ReturnType<typeof namesPrompt> =>
      namesPrompt(excerpt, current);
    return askModel(args, { document: { path, languageId, lines }, range, growth: 0, messages });
  });
  const names = namesIn(answer.text, current, languageId);
  if (flagOption(args, "json")) {
    printJson({ names });
  } else {
    process.stdout.write(terminalText(names.map((name) => `${name}\n`).join("")));
  }
}

async function editCommit(args: Arguments): Promise<void> {
  if (args.positionals.length > 0) {
    throw usageError("edit --kind commit takes no file");
  }
  const answer = await answerFor(args, undefined, async () => {
    const diff = boundedDiff(await changedFiles(), COMMIT_DIFF_CHARS_MAX);
    const document = { path: "", languageId: "diff", lines: diff.split("\n") };
    const range = { start: 0, end: document.lines.length };
    return askModel(args, { document, range, growth: 0, messages: () => commitPrompt(diff, []) });
  });
  const message = cleanCommitMessage(answer.text);
  if (flagOption(args, "json")) {
    printJson({ message });
  } else {
    process.stdout.write(message === "" ? "" : terminalText(`${message}\n`));
  }
}

/**
 * What is staged here, else what is changed, of the files that may be read. Errors: EngineError where there is no Git
 * repository, or no change that may be shown.
 */
async function changedFiles(): Promise<FileDiff[]> {
  const git = async (...args: readonly string[]): Promise<string> =>
    (await promisify(execFile)("git", ["--literal-pathspecs", ...args], { maxBuffer: 2 ** 28 })).stdout;
  let paths: readonly string[] = [];
  const changes: FileDiff[] = [];
  try {
    const root = (await git("rev-parse", "--show-toplevel")).trimEnd();
    for (const which of [["--cached"], []]) {
      const names = await git("-C", root, "diff", "--name-only", "-z", "--no-renames", ...which);
      paths = names.split("\0").filter((name) => name !== "");
      for (const path of paths) {
        const isReadable = (await readVerdict(join(root, path), root)).read;
        const diff = isReadable
          ? await git("-C", root, "diff", "--no-color", "--no-ext-diff", "--no-renames", ...which, "--", path)
          : "";
        // What is taken out is in the diff and not in the file; lines without their signs, as a key begins with dashes.
        if (diff !== "" && secretContentRule(diff.replaceAll(/^[-+ ]/gm, "")) === undefined) {
          changes.push({ path, diff });
        }
      }
      if (paths.length > 0) {
        break;
      }
    }
  } catch (error) {
    throw new EngineError(
      "bad_request",
      "cannot read the changes: this is not a Git repository, or git is not installed",
      {
        cause: error,
      },
    );
  }
  if (changes.length === 0) {
    const why =
      paths.length === 0 ? "there are no changes" : "none of the changed files may be read, so there is nothing";
    throw new EngineError("bad_request", `${why} to write a commit message for`);
  }
  return changes;
}

/** @param file what the model would be shown of. Errors: EngineError where it must not be read. */
async function answerFor(
  args: Arguments,
  file: string | undefined,
  ask: () => Promise<ModelAnswer>,
): Promise<ModelAnswer> {
  const text = textOption(args, "answer");
  if (text !== undefined) {
    return { text, hasEnded: true };
  }
  const verdict = file === undefined ? undefined : await readVerdict(file, undefined);
  if (verdict?.read === false) {
    throw new EngineError("bad_request", `nothing of '${file ?? ""}' is given to the model: ${verdict.rule}`);
  }
  return ask();
}

function taskOf(args: Arguments, kind: "refactor" | "document" | "fix"): RewriteTask {
  const instruction = textOption(args, "instruction")?.trim() ?? "";
  if (kind === "document") {
    return { kind };
  }
  if (instruction === "") {
    throw usageError(`edit --kind ${kind} takes what to do with --instruction`);
  }
  return kind === "refactor" ? { kind, instruction } : { kind, problems: [{ line: 0, message: instruction }] };
}

interface Place {
  readonly file: string;
  readonly first: number;
  readonly last: number;
}

function placeOf(args: Arguments, form: RegExp, usage: string): Place {
  const [given] = args.positionals;
  const match = form.exec(given ?? "");
  if (match === null || args.positionals.length !== 1) {
    throw usageError(usage);
  }
  return { file: match[1] ?? "", first: Number(match[2]), last: Number(match[3] ?? 0) };
}

/** Errors: EngineError for lines that the file does not have. */
function rangeIn({ file, text }: OpenFile, first: number, last: number): LineRange {
  const count = text.lines.length;
  if (first < 1 || last < first || last > count) {
    const range = first === last ? String(first) : `${String(first)}-${String(last)}`;
    const why =
      last < first ? "the last line is before the first" : `the file has ${String(count)} lines, counted from 1`;
    throw new EngineError("bad_request", `cannot edit ${file}:${range}: ${why}`);
  }
  return { start: first - 1, end: last };
}

const UNCHANGED = "The file already contains this change.";

type Result =
  { readonly lines: readonly string[]; readonly warnings: readonly Sentence[] } | { readonly reason: Sentence };

/** Prints the document with --json, else the difference, and writes the file with --write. */
async function finish(args: Arguments, { file, path, text, whole }: OpenFile, result: Result): Promise<void> {
  const document = "lines" in result ? withLines(text, result.lines) : whole;
  const isChanged = document !== whole;
  if (flagOption(args, "json")) {
    // What was cut off may be all that the answer had to change.
    const said = "reason" in result ? [result.reason] : [...result.warnings, UNCHANGED];
    const reason = said.map(englishSentence).join(" ");
    printJson(
      isChanged && "warnings" in result
        ? { changed: true, document, warnings: result.warnings.map(englishSentence) }
        : { changed: false, reason, document },
    );
    return;
  }
  const told = "warnings" in result ? result.warnings : [result.reason];
  for (const sentence of isChanged ? told : "warnings" in result ? [UNCHANGED] : told) {
    process.stderr.write(terminalText(`hearth: ${englishSentence(sentence)}\n`));
  }
  if (isChanged && "lines" in result) {
    // The lines around the change are the file's own, whatever they hold; --json and --write have them as they are.
    process.stdout.write(terminalText(unifiedDiff(path, text.lines, result.lines)));
  }
  if (isChanged && flagOption(args, "write")) {
    await writingFile(file, (write) => {
      write(Buffer.from(document));
      return Promise.resolve();
    });
  }
}
