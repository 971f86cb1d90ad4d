import type { Clock, TextEngine, TokenCounter } from "./ports";
import type { Project } from "./prompt/source";
import type { RequestLog } from "./requestLog";
import type { SyntaxCache } from "./syntax/cursorSyntax";

/** What a Completer works with. */
export interface CompletionPorts {
  readonly engine: TextEngine;
  readonly clock: Clock;
  readonly tokens?: TokenCounter;
  /** What else of a document's project its prompts may show, where the model was trained on that. Missing: nothing. */
  readonly projectOf?: (documentId: string) => Project;
  /** Of the window's documents. Missing: they are read by their languages' configurations alone. */
  readonly syntax?: SyntaxCache;
  /** To go on with an earlier one. */
  readonly log?: RequestLog;
}
