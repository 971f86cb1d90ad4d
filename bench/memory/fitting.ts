import type { CodeSource, MixtureWeights, SourceWeights } from "../../src/engine/local/native";
import { CONTEXT_LENGTHS, type Counts, type Sample } from "./samples";

const SOURCES: readonly CodeSource[] = ["workspace", "file"];

/** What a sample costs, as native/engine/token_mixture.cc has it. */
export function bitsOfSample({ meant, allowed, largest, counts }: Sample, weights: MixtureWeights): number {
  let [pMeant, pAllowed] = [meant, allowed];
  for (let i = 0; i < CONTEXT_LENGTHS.length; i++) {
    for (const source of SOURCES) {
      const seen = counts[source][i];
      if (seen !== undefined) {
        const { discount } = weights[source];
        const strength = strengthOf(weights[source], i, largest);
        pMeant = mixed(pMeant, seen.meant, seen.meantDistinct, seen, strength, discount);
        pAllowed = mixed(pAllowed, seen.allowed, seen.allowedDistinct, seen, strength, discount);
      }
    }
  }
  return Math.log2(Math.max(pAllowed, 1e-30)) - Math.log2(Math.max(pMeant, 1e-30));
}

function strengthOf({ strength, confidence }: SourceWeights, i: number, largest: number): number {
  return (strength[i] ?? 1) * Math.exp(confidence * (largest - 0.5));
}

/** Counts are at least 1, so that what a discount takes of them is the same for each token. */
function mixed(
  p: number,
  count: number,
  distinctCounted: number,
  { total, distinct }: Counts,
  strength: number,
  discount: number,
): number {
  return (count - discount * distinctCounted + (strength + discount * distinct) * p) / (total + strength);
}

/** Logarithms of strengths for each source, then a logit and a factor. */
type Parameters = readonly number[];

const STRENGTH = [20, 12, 8, 4, 2, 1.2, 0.8, 0.6, 0.4, 0.3, 0.3];
const N = CONTEXT_LENGTHS.length;
const START: Parameters = [
  ...[...STRENGTH.map(Math.log), 0, 1],
  ...[...STRENGTH.map((each) => Math.log(2 * each)), 0, 1],
];

function weightsOf(parameters: Parameters): MixtureWeights {
  const of = (from: number): SourceWeights => ({
    strength: parameters.slice(from, from + N).map((each) => Math.max(1e-6, Math.exp(each))),
    discount: 1 / (1 + Math.exp(-(parameters[from + N] ?? 0))),
    confidence: Math.max(-20, Math.min(20, parameters[from + N + 1] ?? 0)),
  });
  return { file: of(0), workspace: of(N + 2) };
}

/** In bits: a parameter that few samples know stays near its beginning, and neighbours near each other. */
const TOWARDS_START = 0.5;
const TOWARDS_NEIGHBOUR = 1.5;

function penalty(parameters: Parameters): number {
  let bits = 0;
  for (const [i, value] of parameters.entries()) {
    bits += TOWARDS_START * (value - (START[i] ?? 0)) ** 2;
    const isStrength = i % (N + 2) < N - 1;
    const drop = (at: number): number => (parameters[at] ?? 0) - (START[at] ?? 0);
    bits += isStrength ? TOWARDS_NEIGHBOUR * (drop(i) - drop(i + 1)) ** 2 : 0;
  }
  return bits;
}

const ROUNDS_MAX = 60;

/** Coordinate descent: each parameter in turn goes where it costs less, in steps that grow with success and shrink without. */
export function fit(samples: readonly Sample[]): MixtureWeights {
  const known = samples.filter(({ counts }) => counts.file.length + counts.workspace.length > 0);
  const costOf = (parameters: Parameters): number => {
    const weights = weightsOf(parameters);
    return known.reduce((sum, sample) => sum + bitsOfSample(sample, weights), penalty(parameters));
  };
  const steps = START.map(() => 0.5);
  let best = START;
  let cost = costOf(best);
  for (let round = 0; round < ROUNDS_MAX; round++) {
    const before = cost;
    for (const [i, step] of steps.entries()) {
      const candidates = [step, -step].map((by) => best.with(i, (best[i] ?? 0) + by));
      const [up, down] = candidates.map((each) => costOf(each));
      const lowest = Math.min(up ?? Infinity, down ?? Infinity);
      if (lowest < cost) {
        best = candidates[lowest === up ? 0 : 1] ?? best;
        cost = lowest;
        steps[i] = step * 1.5;
      } else {
        steps[i] = step / 2;
      }
    }
    if (before - cost < 0.01) {
      break;
    }
  }
  return weightsOf(best);
}
