import type * as vscode from "vscode";

/** In the editor's key store, with the origin that it belongs to: another address never gets it. */
export const ENDPOINT_KEY = "hearth.endpointKey";

/** Undefined where none is stored for just this origin. */
export async function endpointKey(secrets: vscode.SecretStorage, origin: string): Promise<string | undefined> {
  const stored = await secrets.get(ENDPOINT_KEY);
  if (stored === undefined) {
    return undefined;
  }
  try {
    const value = JSON.parse(stored) as { readonly origin?: unknown; readonly key?: unknown } | null;
    return value?.origin === origin && typeof value.key === "string" && value.key !== "" ? value.key : undefined;
  } catch {
    return undefined;
  }
}

/** An empty key: none. */
export async function storeEndpointKey(secrets: vscode.SecretStorage, origin: string, key: string): Promise<void> {
  await (key === "" ? secrets.delete(ENDPOINT_KEY) : secrets.store(ENDPOINT_KEY, JSON.stringify({ origin, key })));
}
