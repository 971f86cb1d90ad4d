/**
 * When do an engine's logits and expert choices agree with a reference? Pure functions, with the tolerances and their
 * derivation. Measurements named here are in test/fixtures/oracle/README.md.
 */
import { MARGIN_STEPS, type Reference } from "./reference";

export interface Tolerance {
  /** Largest error of any centred logit, in standard deviations of the reference's logits at that position. */
  readonly maxError: number;
  /** Smallest correlation of the centred logits at any position. */
  readonly minCorrelation: number;
  /** Router logits closer than this may change places. */
  readonly routingMargin: number;
}

/** What rounds the inputs of the weight matrices, in order of coarseness. */
export type Precision = "F32" | "F16" | "BF16" | "blocks";

/**
 * The error of a rounding engine, in deviations of the logits, is roughly u * sqrt(n) with u the relative rms error of one
 * rounded activation and n the roundings in sequence (4 a layer and the head: 13 in the models of 3 layers); among the
 * 6 * 512 logits of a reference the largest error is about 3.6 of that. Both sides round, independently: sqrt(2) of that.
 *
 * - F32: activations round by u = 2^-24 / sqrt(3), 6e-7 in all; keys and values by 2^-11 in both engines and in the same
 *   place, so that only those which fall on the other side of a rounding boundary differ. Two builds of llama.cpp (AVX2,
 *   AVX-512) differ by 2.4e-3 at the worst position. Twice that. Every mistake in sensitivity.py makes at least 0.16 in one
 *   of the F32 references.
 * - F16: u = 2^-11 / sqrt(3) * 0.72 (a mantissa's mean), both sides 3.7e-3; measured between llama.cpp and float64, one
 *   side, 1.9e-3. Allowed: 2.7 times the expectation.
 * - BF16: eight times F16's; one side measured 1.6e-2.
 * - blocks: activations in 8 bit with one scale per 32 or 256: u = 5e-3 to 9e-3, both sides 0.09 to 0.16 at 13 roundings
 *   and 0.13 to 0.23 at the 25 of 6 layers. One side measured 0.04 to 0.07, and 0.06 in 6 layers (0.12 at the worst of
 *   4600 positions). llama.cpp differs by 0.02 to 0.10 from itself with repacking on: the same numbers summed in another
 *   order are rounded otherwise in the next matrix. The correlation is 1 - rms^2 / 2: 0.999 is an rms error of 4.5 %; measured
 *   0.9999 to 0.9998 at the references' positions, between one side and float64.
 *
 * Routing: a router logit's error is the residual's relative error times the deviation of router logits (2 to 6). Choices
 * are only compared where the margin is at least four such errors (rms, of two sides): F32 4 * 1e-4 * 6, F16 0.01,
 * BF16 0.08, blocks 4 * 0.02 * 3. The token sequences are chosen so that few choices, if any, lie below.
 */
export const TOLERANCES: Readonly<Record<Precision, Tolerance>> = {
  F32: { maxError: 5e-3, minCorrelation: 1 - 5e-3 ** 2 / 2, routingMargin: 1 / MARGIN_STEPS },
  F16: { maxError: 1e-2, minCorrelation: 1 - 1e-2 ** 2 / 2, routingMargin: 3 / MARGIN_STEPS },
  BF16: { maxError: 8e-2, minCorrelation: 1 - 8e-2 ** 2 / 2, routingMargin: 24 / MARGIN_STEPS },
  blocks: { maxError: 0.25, minCorrelation: 0.999, routingMargin: 64 / MARGIN_STEPS },
};

export function toleranceFor(reference: Reference): Tolerance {
  const [type, ...others] = reference.weightTypes;
  if (type === undefined) {
    return TOLERANCES.F32;
  }
  return TOLERANCES[others.length === 0 && (type === "F16" || type === "BF16") ? type : "blocks"];
}

export interface LogitDifference {
  /** In standard deviations of the expected logits; NaN where a logit is not finite. */
  readonly maxError: number;
  readonly correlation: number;
}

/**
 * Compares the logits of one position, each side less its mean. This is the comparison of centred log-probabilities: the
 * normaliser of log-softmax is one constant per position, which centring removes.
 */
export function logitDifference(actual: Float32Array, expected: Float32Array): LogitDifference {
  const a = centred(actual);
  const b = centred(expected);
  let ab = 0;
  let aa = 0;
  let bb = 0;
  let largest = 0;
  for (let i = 0; i < b.length; i++) {
    // Beyond the end this is NaN, and NaN stays the maximum.
    const x = a[i] ?? NaN;
    const y = b[i] ?? NaN;
    ab += x * y;
    aa += x * x;
    bb += y * y;
    largest = Math.max(largest, Math.abs(x - y));
  }
  return { maxError: largest / Math.sqrt(bb / b.length), correlation: ab / Math.sqrt(aa * bb) };
}

function centred(logits: Float32Array): Float64Array {
  const values = Float64Array.from(logits);
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return values.map((value) => value - mean);
}

/** What is wrong with `logits` [n_token, n_vocab], one line per position of the reference; empty if it agrees. */
export function logitProblems(logits: Float32Array, reference: Reference, tolerance: Tolerance): string[] {
  const { n_vocab, tokens, positions } = reference;
  if (logits.length !== tokens.length * n_vocab) {
    return [`${String(logits.length)} logits instead of ${String(tokens.length)} * ${String(n_vocab)}`];
  }
  return positions.flatMap((pos, i) => {
    const actual = logits.subarray(pos * n_vocab, (pos + 1) * n_vocab);
    const expected = reference.logits.subarray(i * n_vocab, (i + 1) * n_vocab);
    const { maxError, correlation } = logitDifference(actual, expected);
    // Written so that NaN fails.
    return maxError <= tolerance.maxError && correlation >= tolerance.minCorrelation
      ? []
      : [
          `position ${String(pos)}: error ${maxError.toPrecision(3)} deviations (at most ${String(tolerance.maxError)}), ` +
            `1 - correlation ${(1 - correlation).toExponential(1)} (at most ${(1 - tolerance.minCorrelation).toExponential(1)})`,
        ];
  });
}

/** Expert ids by rank, per token, per layer. */
export type Routing = readonly (readonly (readonly number[])[])[];

/**
 * What is wrong with the experts chosen, one line per layer and token; empty if they agree.
 *
 * Where the reference's router logits of ranks r and r + 1 are at least the margin apart, the experts up to rank r must be
 * the reference's (as a set: ranks between two such gaps may change places). If no gap follows the last rank, an unused
 * expert may have come in, and only the ranks up to the last gap are compared.
 */
export function routingProblems(routing: Routing, reference: Reference, tolerance: Tolerance): string[] {
  const { n_layer, n_expert_used, tokens } = reference;
  if (routing.length !== n_layer || routing.some((layer) => layer.length !== tokens.length)) {
    return [`the trace is not of ${String(n_layer)} layers and ${String(tokens.length)} tokens`];
  }
  return routing.flatMap((layer, l) =>
    layer.flatMap((actual, pos) => {
      const first = (l * tokens.length + pos) * n_expert_used;
      const expected = [...reference.routing.subarray(first, first + n_expert_used)];
      const margins = reference.margins.subarray(first, first + n_expert_used);
      return sameExperts(actual, expected, margins, tolerance.routingMargin)
        ? []
        : [`layer ${String(l)}, position ${String(pos)}: experts ${actual.join(" ")} instead of ${expected.join(" ")}`];
    }),
  );
}

function sameExperts(
  actual: readonly number[],
  expected: readonly number[],
  margins: Uint8Array,
  routingMargin: number,
): boolean {
  const distinct = new Set(actual).size === actual.length;
  return (
    distinct &&
    actual.length === expected.length &&
    expected.every((_, rank) => {
      const clear = (margins[rank] ?? 0) >= routingMargin * MARGIN_STEPS;
      const leading = new Set(expected.slice(0, rank + 1));
      return !clear || actual.slice(0, rank + 1).every((expert) => leading.has(expert));
    })
  );
}

/** Share of the reference's (layer, token) pairs whose choice of experts (not their order) is compared. */
export function comparedShare(reference: Reference, tolerance: Tolerance): number {
  const { n_expert_used, margins } = reference;
  const last = margins.filter((_, i) => i % n_expert_used === n_expert_used - 1);
  return last.filter((margin) => margin >= tolerance.routingMargin * MARGIN_STEPS).length / last.length;
}
