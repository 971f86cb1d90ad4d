/** Model files on this machine and elsewhere, as the editor and the command line talk about them. */

/** What a model is good for: the capabilities that its file is known to have, and whether it was trained to fill in. */
export type Purpose = "complete" | "chat" | "edit";

/** A model that Hearth knows where to get. */
export interface CatalogueModel {
  /** e.g. `smallthinker-4b-instruct`; also understood where a model is asked for. */
  readonly id: string;
  readonly title: string;
  readonly description: string;
  readonly goodFor: readonly Purpose[];
  /** Trained on fill-in-the-middle, so that text behind the cursor is used by the model itself. */
  readonly fillsIn: boolean;
  /** SPDX. */
  readonly licence: string;
  readonly contextTokens: number;
  readonly file: CatalogueFile;
}

export interface CatalogueFile {
  /** `org/name`, the one to ask first; others are names of the same repository, or of its mirrors under another name. */
  readonly repositories: readonly string[];
  readonly name: string;
  readonly bytes: number;
  /** False: an estimate, replaced by what the hub says. */
  readonly bytesExact: boolean;
  /** Lower-case hex. Missing: taken from the hub's answer at the first visit. */
  readonly sha256?: string;
  /**
   * Bytes of weights that are read for a token: all but the experts that it does not use, and the table of embeddings, of which it reads a
   * row. Measured for SmallThinker (docs/performance.md), computed from the shape for others.
   */
  readonly bytesPerToken: number;
  readonly memory: {
    /** Bytes of memory with which all of the model stays resident. */
    readonly wanted: number;
    /**
     * Bytes with which it works, experts being read from the drive: measured for SmallThinker; for others the dense part, keys and values
     * and a third to a half of the experts, computed from the shape.
     */
    readonly least: number;
  };
}

/**
 * Who says that a file has this SHA-256: Hearth's own catalogue, the user, the hub itself (over TLS), the program that downloaded it, only
 * a mirror or the server that sent it, or nobody. Only the first three make a file "verified".
 */
export type HashSource = "catalogue" | "user" | "hub" | "program" | "mirror" | "none";

/** A file in Hearth's folder, or one of another program's that is used in place. */
export interface InstalledModel {
  /** `org/repo/file`, `host/file` or an absolute path. */
  readonly reference: string;
  readonly path: string;
  readonly title: string;
  readonly bytes: number;
  /** False: it belongs to another program or the user, and Hearth never changes or deletes it. */
  readonly owned: boolean;
  readonly sha256?: string;
  readonly hashSource: HashSource;
  /** Revision of the repository. */
  readonly commit?: string;
  /** Of the catalogue. */
  readonly catalogueId?: string;
  /** Why it cannot be used now: it vanished or was changed since it was checked. */
  readonly problem?: string;
}

/** A download that was begun and has not come to its end. */
export interface UnfinishedModel {
  readonly reference: string;
  readonly title: string;
  readonly doneBytes: number;
  readonly totalBytes: number;
  /** The process that is downloading it now. */
  readonly pid?: number;
}

export interface DownloadProgress {
  /** `waiting`: for a server that asked for it, or before another try. */
  readonly phase: "resolving" | "downloading" | "waiting" | "verifying";
  readonly doneBytes: number;
  /** 0 while not known. */
  readonly totalBytes: number;
  /** Bytes a second over the last seconds. */
  readonly bytesPerSecond?: number;
  /** What is waited for, in a clause. */
  readonly note?: string;
}

/** The machine, as far as it decides which model suits it. */
export interface MachineFacts {
  /** Bytes that processes here may use in all: the machine's memory, or what a container or a control group allows. */
  readonly memoryBytes: number;
  /** The control group, not the machine, sets it. */
  readonly memoryLimited: boolean;
  /** Bytes free where models lie. */
  readonly freeDiskBytes: number;
  readonly cores: number;
  /** Bytes a second that memory is read at, where that has been measured. */
  readonly memoryBytesPerSecond?: number;
}

/** Tokens a second that a model is expected to write here. */
export interface ExpectedSpeed {
  readonly leastTps: number;
  readonly mostTps: number;
  /** Not all of it fits in memory, and how fast the drive is was not measured. */
  readonly dependsOnDrive: boolean;
}

/** A budget of memory for an engine with one model. */
export interface BudgetOffer {
  /** Of the setting; 0: automatic. */
  readonly gib: number;
  /** What the engine takes with it. */
  readonly budgetBytes: number;
  readonly experts: number;
  readonly expertsInAll: number;
  readonly speed?: ExpectedSpeed;
}

/** `resident`: all of it fits in memory. `fromDrive`: works, experts being read from the drive. */
export type Fit = "resident" | "fromDrive" | "tooLarge";

export interface OfferedModel {
  readonly model: CatalogueModel;
  readonly fit: Fit;
  readonly recommended: boolean;
  /** Missing until the machine has been measured. */
  readonly speed?: ExpectedSpeed;
  /** What stands against it or should be known, a sentence. */
  readonly remark?: string;
}

export interface ModelList {
  /** Where Hearth's own models lie. */
  readonly folder: string;
  readonly machine: MachineFacts;
  readonly installed: readonly InstalledModel[];
  readonly unfinished: readonly UnfinishedModel[];
  readonly available: readonly OfferedModel[];
}

/** What is meant by what a user has typed. */
export interface NamedModel {
  /** `file`: can be downloaded; `repository`: one of its files; `path`: a file of this machine. */
  readonly kind: "file" | "repository" | "path";
  /** As it is called in lists, whatever its address. */
  readonly name: string;
}

/** A GGUF file of a repository, as the hub lists it. */
export interface ListedFile {
  /** `org/repo/file`. */
  readonly reference: string;
  readonly bytes: number;
}

/** A file of another program's that Hearth could use in place. */
export interface FoundFile {
  readonly path: string;
  readonly program: "huggingface" | "lmstudio" | "ollama";
  /** `org/repo/file`, or the name that the program has for it. */
  readonly reference: string;
  /** The program's own word on the content. */
  readonly sha256?: string;
}

/**
 * - `reference`: what was asked for names no model
 * - `mirror`: the address of the mirror that is set is none
 * - `network`: the server cannot be reached, or the connection breaks again and again
 * - `refused`: the server answered with a failure
 * - `login`: the file needs a token, or terms to be accepted
 * - `notFound`: there is no such file
 * - `content`: what came is not what was asked for: a page, no GGUF, wrong ranges, another length or hash
 * - `changed`: the hub has another content by now than at the first visit
 * - `unchecked`: there is a file of that name already, and nobody has checked it
 * - `redirect`: redirects in circles, or to where no file may come from
 * - `diskFull`, `disk`: there is no room, or the file system refused
 * - `busy`: another process downloads or uses it
 * - `unusable`: a complete file that no model of Hearth's is in
 * - `stopped`: on request; what had come is kept
 */
export type ModelsErrorCode =
  | "reference"
  | "mirror"
  | "network"
  | "refused"
  | "login"
  | "notFound"
  | "content"
  | "changed"
  | "unchecked"
  | "redirect"
  | "diskFull"
  | "disk"
  | "busy"
  | "unusable"
  | "stopped";

/** Its message says what was attempted, on what, what went wrong, and what to do. */
export class ModelsError extends Error {
  readonly code: ModelsErrorCode;

  constructor(code: ModelsErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options);
    this.name = "ModelsError";
    this.code = code;
  }
}
