import type { Translate } from "../../protocol/translate";
import type {
  BudgetOffer,
  DownloadProgress,
  FoundFile,
  InstalledModel,
  ListedFile,
  ModelList,
  NamedModel,
} from "../../protocol/models";

/** Model files on this machine and where to get others; models/modelStore.ts is one. Everything rejects with ModelsError. */
export interface ModelsPort {
  /** Where `org/repo` is asked for, and a token goes; undefined: the address that is set is none. */
  readonly origin: string | undefined;
  list(t: Translate): Promise<ModelList>;
  /** How fast this machine is, unless that is known: lists then say what to expect. Some seconds of all cores. */
  measure(signal: AbortSignal): Promise<void>;
  /** What budgets of memory buy for the model in this file. Errors: EngineError too. */
  budgets(path: string): Promise<readonly BudgetOffer[]>;
  /** What a user means by what they have typed. */
  named(given: string): NamedModel;
  filesOf(repository: string, signal: AbortSignal): Promise<readonly ListedFile[]>;
  /** Goes on where an earlier download stopped. Aborting `signal` keeps what has come. */
  download(
    reference: string,
    started: {
      readonly signal: AbortSignal;
      readonly onProgress: (progress: DownloadProgress) => void;
      /** What the hub has now, not what it had at the first visit. */
      readonly latest?: boolean;
    },
  ): Promise<{ readonly path: string; readonly already: boolean }>;
  verify(
    reference: string,
    signal: AbortSignal,
    onBytes?: (done: number) => void,
  ): Promise<{ readonly model: InstalledModel }>;
  /** Also of a partial download. Files of others are only forgotten. */
  remove(reference: string): Promise<unknown>;
  findOthers(): Promise<readonly FoundFile[]>;
  /** Uses a file where it lies. */
  adopt(
    file: string | FoundFile,
    signal: AbortSignal,
    onBytes?: (done: number, total: number) => void,
  ): Promise<InstalledModel>;
}

/** What the user has set about them. */
export interface ModelsChoice {
  /** Empty: the user's data folder. */
  readonly folder: string;
  /** Address of a mirror; empty: that of the environment, else the hub. */
  readonly endpoint: string;
  readonly token?: string;
}

export type OpenModels = (choice: ModelsChoice) => ModelsPort;
