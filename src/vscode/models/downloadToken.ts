import type * as vscode from "vscode";

/** In the editor's key store, with the origin that it belongs to: another mirror never gets it. */
export const TOKEN_KEY = "hearth.downloadToken";

/** Undefined where none is stored for just this origin. */
export async function downloadToken(secrets: vscode.SecretStorage, origin: string): Promise<string | undefined> {
  try {
    const value = JSON.parse((await secrets.get(TOKEN_KEY)) ?? "null") as Partial<Record<string, unknown>> | null;
    const token = value?.["origin"] === origin ? value["token"] : undefined;
    return typeof token === "string" && token !== "" ? token : undefined;
  } catch {
    return undefined;
  }
}

/** An empty token: none. */
export async function storeDownloadToken(secrets: vscode.SecretStorage, origin: string, token: string): Promise<void> {
  await (token === "" ? secrets.delete(TOKEN_KEY) : secrets.store(TOKEN_KEY, JSON.stringify({ origin, token })));
}
