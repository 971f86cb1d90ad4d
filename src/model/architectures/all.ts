import type { Architecture } from "./architecture";
import { MELLUM } from "./mellum";
import { QWEN3_MOE } from "./qwen3moe";
import { SMALLTHINKER } from "./smallthinker";

/** Every architecture that Hearth runs. */
export const ARCHITECTURES: readonly Architecture[] = [SMALLTHINKER, MELLUM, QWEN3_MOE];
