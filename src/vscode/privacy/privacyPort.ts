/** What the editor keeps for Hearth, as only the editor's side knows it. */
export interface KeptByEditor {
  /** Folders of models beside the user's own. */
  readonly modelFolders: readonly string[];
  /** Folders that hold nothing but Hearth's files. */
  readonly editorFolders: readonly { readonly path: string; readonly what: string }[];
  /** Names in the editor's own database and key store. */
  readonly editor: readonly { readonly where: string; readonly names: readonly string[] }[];
}

export interface EndpointInUse {
  readonly origin: string;
  readonly model: string;
}

export interface OfflineProof {
  readonly markdown: string;
  /** Empty: nothing of Hearth's is open but local sockets. */
  readonly problems: readonly string[];
  readonly unproved: readonly string[];
}

export interface StoredSummary {
  /** A line for each kind. */
  readonly lines: readonly string[];
  /** A line for each model that Hearth has downloaded. */
  readonly models: readonly string[];
  readonly modelBytes: number;
  /** Files of others in Hearth's folders, which stay. */
  readonly kept: readonly string[];
}

export interface DeletedFiles {
  readonly files: number;
  readonly bytes: number;
  /** One sentence each. */
  readonly failures: readonly string[];
}

/** src/doctor, as far as a window needs it. */
export interface PrivacyPort {
  /** @param endpoint that this window sends code to. */
  examine(kept: KeptByEditor, endpoint: EndpointInUse | undefined, signal: AbortSignal): Promise<OfflineProof>;
  plan(kept: KeptByEditor): Promise<StoredSummary>;
  /** Ends the engine first. Errors: EngineError where it does not end; nothing has been deleted then. */
  delete(kept: KeptByEditor, models: boolean): Promise<DeletedFiles>;
}
