import type { MixtureWeights } from "./native";

/**
 * How much code at hand is believed beside a model, for contexts of 2, 3, 4, 5, 6, 8, 10, 12, 16, 24 and 32 tokens, by the
 * model's id (src/model/registry.ts). Fitted by bench/memory/fit.ts.
 */
const KNOWN: Readonly<Record<string, MixtureWeights>> = {
  "hearth-starter": {
    file: {
      strength: [9.6, 14.8, 13.7, 4.95, 2.69, 3, 2.34, 2.77, 2.28, 1.54, 1.46],
      discount: 0.504,
      confidence: 1.39,
    },
    workspace: {
      strength: [198, 50, 17.6, 8.39, 2.83, 1.82, 1.42, 1.18, 0.776, 0.519, 0.446],
      discount: 0.495,
      confidence: 1.95,
    },
  },
};

/** For models that nothing was fitted on: they may be far surer than the code at hand, so that a sure one is hardly moved. */
const UNKNOWN: MixtureWeights = {
  file: { strength: [200, 100, 40, 20, 10, 6, 4, 3, 2, 2, 2], discount: 0.5, confidence: 4 },
  workspace: { strength: [400, 200, 80, 40, 20, 12, 8, 6, 4, 4, 4], discount: 0.5, confidence: 4 },
};

/** @param model the id by which the registry knows it. */
export function memoryWeights(model: string): MixtureWeights {
  return KNOWN[model] ?? UNKNOWN;
}
