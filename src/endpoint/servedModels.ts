import { EndpointError } from "./endpointError";
import { exchange, type Server, wholeJson } from "./exchange";

export interface FoundModel {
  /** As the server calls it. */
  readonly name: string;
  readonly contextTokens: number;
}

/** Of servers that do not tell: what the smallest usual ones have. */
const USUAL_CONTEXT_TOKENS = 8192;
/** A prompt of more takes longer to be sent and read than anybody waits. */
const CONTEXT_TOKENS_MAX = 131_072;
/** Gateways have hundreds of models, of some hundred bytes each. */
const LIST_BYTES_MAX = 1 << 20;
const NAMES_TOLD = 8;

/** Names of the models that a server has, within some seconds. Errors: EndpointError; the reason of `signal` where that ends it. */
export async function servedModels(server: Server, signal?: AbortSignal): Promise<readonly FoundModel[]> {
  const {
    address: { host },
    limits,
  } = server;
  const enough = AbortSignal.timeout(limits.listMs);
  const ends = signal === undefined ? enough : AbortSignal.any([signal, enough]);
  let value: unknown;
  try {
    value = await wholeJson(await exchange(server, { path: "/models" }, ends), host, LIST_BYTES_MAX);
  } catch (error) {
    signal?.throwIfAborted();
    throw error instanceof EndpointError
      ? error
      : new EndpointError(
          "unusable",
          `the endpoint ${host} does not say within ${String(Math.ceil(limits.listMs / 1000))} s which models it has; look at its log`,
          { cause: error },
        );
  }
  const data = (value as { readonly data?: unknown } | null)?.data;
  if (!Array.isArray(data)) {
    throw new EndpointError(
      "unusable",
      `the endpoint ${host} does not answer like a model server; check hearth.endpoint.url`,
    );
  }
  return data.flatMap((entry: unknown) => {
    const { id } = (entry ?? {}) as { readonly id?: unknown };
    return typeof id === "string" && id !== "" ? [{ name: id, contextTokens: contextOf(entry as object) }] : [];
  });
}

/**
 * The model that is asked: the wanted one, or the one that there is. A server without a list is taken at the user's word.
 * Errors: EndpointError; the reason of `signal` where that ends it.
 */
export async function findServedModel(server: Server, wanted: string, signal: AbortSignal): Promise<FoundModel> {
  const { host } = server.address;
  let all: readonly FoundModel[];
  try {
    all = await servedModels(server, signal);
  } catch (error) {
    const hasNoList = error instanceof EndpointError && ["request", "absent"].includes(error.failure);
    if (hasNoList && wanted !== "") {
      return { name: wanted, contextTokens: USUAL_CONTEXT_TOKENS };
    }
    // Without a list there is no model to be asked: the endpoint cannot be used as it is set.
    throw hasNoList ? new EndpointError("unusable", error.message, { cause: error }) : error;
  }
  const names = all
    .slice(0, NAMES_TOLD)
    .map(({ name }) => `'${name.slice(0, 80)}'`)
    .join(", ");
  if (wanted !== "") {
    const found = all.find(({ name }) => name === wanted);
    if (found === undefined) {
      throw new EndpointError(
        "unusable",
        `the endpoint ${host} has no model '${wanted}'; set hearth.endpoint.model to one of ${names === "" ? "its own" : names}`,
      );
    }
    return found;
  }
  const [only] = all;
  if (only === undefined) {
    throw new EndpointError("unusable", `the endpoint ${host} has no model; load one there`);
  }
  if (all.length > 1) {
    throw new EndpointError(
      "unusable",
      `the endpoint ${host} has several models; set hearth.endpoint.model to one of ${names}`,
    );
  }
  return only;
}

/** vLLM: `max_model_len`; llama-server: `meta.n_ctx`, what it was trained for `meta.n_ctx_train`; gateways: `context_length`. */
function contextOf(entry: object): number {
  const { max_model_len, context_length, meta } = entry as Readonly<Record<string, unknown>>;
  const { n_ctx } = (meta ?? {}) as Readonly<Record<string, unknown>>;
  const told = [max_model_len, n_ctx, context_length].find(
    (value): value is number => Number.isSafeInteger(value) && (value as number) > 0,
  );
  return Math.min(CONTEXT_TOKENS_MAX, told ?? USUAL_CONTEXT_TOKENS);
}
