/**
 * Failures that a user or a caller can act on. A bug is not one of these: bugs throw plain `Error`s from assertions.
 *
 * - `bad_model`: the model file is missing, damaged or of a kind that Hearth cannot run
 * - `bad_request`: the caller asked for something impossible (empty prompt, token id out of range, unknown session)
 * - `memory`: the memory budget or the machine cannot hold what was asked
 * - `io`: the disk failed during a read of the model, or a program is still writing to it; may pass
 * - `numeric`: a computation produced NaN or infinity
 * - `native`: the native engine could not be loaded
 * - `disconnected`: the engine process went away, or could not be started
 * - `busy`: another window needs the engine otherwise, e.g. with another model
 * - `unsafe`: a folder, file or peer that others could have tampered with is not used
 * - `endpoint`: the user's endpoint cannot be reached, refuses, or answers with what is no answer
 * - `internal`: a bug of the engine process; its log has the stack
 */
export type EngineErrorCode =
  | "bad_model"
  | "bad_request"
  | "memory"
  | "io"
  | "numeric"
  | "native"
  | "disconnected"
  | "busy"
  | "unsafe"
  | "endpoint"
  | "internal";

/** An error with a stable `code`; its message says what was attempted, on what, and what to do. */
export class EngineError extends Error {
  readonly code: EngineErrorCode;

  constructor(code: EngineErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "EngineError";
    this.code = code;
  }
}

/** The `code` of a failure of the system, e.g. ENOENT, or of one of ours; "" where an error has none. */
export function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "";
}

export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return codes.includes(codeOf(error));
}
