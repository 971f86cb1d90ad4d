import type { Architecture } from "./architecture";
import { SMALLTHINKER } from "./smallthinker";

/** Every architecture that Hearth runs. */
export const ARCHITECTURES: readonly Architecture[] = [SMALLTHINKER];
