import type { MixtureWeights } from "./native";

/**
 * How much code at hand is believed beside a model, for contexts of 2, 3, 4, 5, 6, 8, 10, 12, 16, 24 and 32 tokens, by the
 * model's id (src/model/registry.ts). Fitted by bench/memory/fit.ts.
 */
const KNOWN: Readonly<Record<string, MixtureWeights>> = {
  "hearth-starter": {
    file: {
      strength: [26.2, 13.8, 15.5, 6.73, 2.77, 2.39, 1.62, 0.98, 0.689, 0.571, 0.532],
      discount: 0.595,
      confidence: 2.1,
    },
    workspace: {
      strength: [321, 92.4, 45.7, 17.7, 5.01, 4.79, 2.88, 1.65, 1.1, 0.712, 0.589],
      discount: 0.39,
      confidence: 1.78,
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
