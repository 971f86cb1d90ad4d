// The types of hostTests.mjs, for tests that run it.
export interface HostRun {
  /** Names the run where it is told about. */
  readonly label: string;
  readonly version?: string;
  /** Folder of the extension under development; default: this repository. */
  readonly extension?: string;
  readonly vsix?: string;
  /** The file whose run() is called. */
  readonly suite?: string;
  readonly settings?: Readonly<Record<string, unknown>>;
}

export interface HostResult {
  readonly passed: readonly { readonly passed: string; readonly ms: number }[];
  readonly failed: readonly { readonly failed: string; readonly error: string }[];
  readonly skipped: readonly { readonly skipped: string }[];
  readonly finished: boolean;
}

export const SUITE: string;
export const TEST_SETTINGS: Readonly<Record<string, unknown>>;
export function bundleHostTests(): Promise<void>;
/** Rejects with a StepError that says why the run has not passed. */
export function runInHost(options: HostRun): Promise<HostResult>;
export function runOnVsix(options: HostRun): Promise<HostResult>;
