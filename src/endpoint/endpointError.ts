import { EngineError } from "../protocol/errors";

/**
 * What a failure means for the next request:
 * - `unusable`: the endpoint as it is set: not reached, no server of this kind, a key that it refuses
 * - `busy`: the same later
 * - `absent`: the server has not what was asked for: its address, or that of the model there, is another
 * - `request`: this request alone
 */
export type EndpointFailure = "unusable" | "busy" | "absent" | "request";

export class EndpointError extends EngineError {
  readonly failure: EndpointFailure;
  /** Of `busy`: when to come back, as far as the server says so. */
  readonly retryMs: number | undefined;

  constructor(
    failure: EndpointFailure,
    message: string,
    { cause, retryMs }: { cause?: unknown; retryMs?: number } = {},
  ) {
    super("endpoint", message, cause === undefined ? undefined : { cause });
    this.name = "EndpointError";
    this.failure = failure;
    this.retryMs = retryMs;
  }
}
