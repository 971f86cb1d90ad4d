import { visibleJson } from "../core/visibleText";
import { openGgufFile } from "../model/ggufFile";
import { Tokenizer } from "../model/tokenizer";
import { readText } from "./documents";
import { type Arguments, flagOption, textOption, usageError } from "./options";
import { modelPath, printJson } from "./session";

export const tokenizeOptions = { text: { type: "string" }, file: { type: "string" } } as const;

/** `hearth tokenize MODEL (--text S | --file F)`: the ids of a text. Weights are not read. */
export async function tokenize(args: Arguments): Promise<void> {
  const text = textOption(args, "text");
  const file = textOption(args, "file");
  if (args.positionals.length > 1 || (text === undefined) === (file === undefined)) {
    throw usageError("tokenize takes a model and either --text or --file");
  }
  const input = text ?? (await readText(file ?? ""));
  const model = await openGgufFile(modelPath(args, args.positionals[0]));
  const tokenizer = new Tokenizer(model.vocab);
  const ids = tokenizer.encodeText(input);
  if (flagOption(args, "json")) {
    printJson({ ids });
    return;
  }
  for (const id of ids) {
    const bytes = Buffer.from(tokenizer.tokenBytes(id));
    process.stdout.write(`${String(id)}\t${visibleJson(bytes.toString("utf8"))}\n`);
  }
}
