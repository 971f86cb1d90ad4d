import type { EndReason } from "../protocol/engine";

/** For users: why the engine does not run. */
export const END_SENTENCES: Readonly<Record<EndReason, string>> = {
  updated: "The engine was stopped because Hearth was updated.",
  disabled: "The engine was stopped because Hearth was disabled.",
  removed: "The engine was stopped because Hearth was removed.",
  requested: "The engine was stopped on request.",
  restart: "The engine was stopped to be restarted.",
  terminated: "The engine was stopped by the system or another program.",
};
