import { EngineError, type EngineErrorCode } from "../protocol/errors";

const DEFAULT_ADVICE = "download it again or choose another model";

/**
 * Something is wrong with a model file. Thrown by the parsing code, which does not know the file's name, and turned
 * into an `EngineError` by `nameModelFile` at the module's doors: a problem never leaves `src/model`.
 */
export class ModelFileProblem extends Error {
  readonly advice: string;
  readonly code: EngineErrorCode;

  /** @param what what is wrong, in one clause. @param advice what to do about it, in one clause. */
  constructor(what: string, advice: string = DEFAULT_ADVICE, code: EngineErrorCode = "bad_model") {
    super(what);
    this.name = "ModelFileProblem";
    this.advice = advice;
    this.code = code;
  }
}

/** `error` as the user sees it, if it is a `ModelFileProblem`; anything else (a bug) comes back unchanged. */
export function nameModelFile(error: unknown, attempt: string, fileName: string): unknown {
  if (!(error instanceof ModelFileProblem)) {
    return error;
  }
  const message = `cannot ${attempt} '${fileName}': ${error.message}; ${error.advice}`;
  return new EngineError(error.code, message, { cause: error });
}

/** A string from a hostile file, made short and printable so that it can stand in a message. */
export function quoted(text: string): string {
  const printable = text.replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "?");
  const short = printable.length > 80 ? `${printable.slice(0, 80)}…` : printable;
  return `'${short}'`;
}
