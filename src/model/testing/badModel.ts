import assert from "node:assert/strict";
import { EngineError } from "../../protocol/errors";
import { openGgufFile } from "../ggufFile";
import { Tokenizer } from "../tokenizer";

/** The error that opening the model and building its tokenizer gives; fails if there is none, or one that is a bug. */
export async function failureOf(path: string): Promise<EngineError> {
  try {
    const model = await openGgufFile(path);
    new Tokenizer(model.vocab);
  } catch (error) {
    assert.ok(error instanceof EngineError, `threw ${String(error)}`);
    return error;
  }
  return assert.fail("opened without an error");
}

/** Opening fails with one clear error; `what` is what stands between the file's name and the advice. */
export async function assertBadModel(path: string, what: RegExp): Promise<void> {
  const error = await failureOf(path);
  assert.equal(error.code, "bad_model", error.message);
  const [, clause = ""] = /^cannot open model '[^']+': (.+); [^;]+$/s.exec(error.message) ?? assert.fail(error.message);
  assert.match(clause, what);
}
