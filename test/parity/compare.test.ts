import assert from "node:assert/strict";

import {
  comparedShare,
  logitDifference,
  logitProblems,
  routingProblems,
  toleranceFor,
  TOLERANCES,
  type Routing,
} from "./compare";
import { readReference, referenceNames, type Reference } from "./reference";

/** The reference as an engine would answer it: logits of all positions (zero where the reference has none). */
function asLogits(reference: Reference): Float32Array {
  const { n_vocab, tokens, positions, logits } = reference;
  const all = new Float32Array(tokens.length * n_vocab);
  positions.forEach((pos, i) => {
    all.set(logits.subarray(i * n_vocab, (i + 1) * n_vocab), pos * n_vocab);
  });
  return all;
}

function asRouting({ n_layer, n_expert_used, tokens, routing }: Reference): number[][][] {
  return Array.from({ length: n_layer }, (_, l) =>
    tokens.map((_, pos) => {
      const first = (l * tokens.length + pos) * n_expert_used;
      return [...routing.subarray(first, first + n_expert_used)];
    }),
  );
}

describe("parity: comparison of logits", () => {
  it("ignores what softmax ignores: one constant for all logits of a position", () => {
    const expected = Float32Array.of(1, -2, 3, 0.5);
    const { maxError, correlation } = logitDifference(
      expected.map((x) => x + 8),
      expected,
    );
    assert.equal(maxError, 0);
    assert.ok(correlation > 1 - 1e-15);
  });

  it("measures the largest error in deviations of the expected logits", () => {
    // Mean 0, deviation 2; one logit is off by 0.4 and shifts the mean by 0.1.
    const { maxError } = logitDifference(Float32Array.of(2.4, 2, -2, -2), Float32Array.of(2, 2, -2, -2));
    assert.ok(Math.abs(maxError - 0.15) < 1e-6);
  });

  it("accepts the reference itself and rejects an error just above the tolerance", () => {
    const reference = readReference("shape4b-f32");
    const tolerance = toleranceFor(reference);
    const logits = asLogits(reference);
    assert.deepEqual(logitProblems(logits, reference, tolerance), []);
    const last = reference.positions.at(-1) ?? 0;
    const place = last * reference.n_vocab + 7;
    // The logits' deviation is about 3: 0.02 is 0.0067 deviations, of 0.005 allowed.
    logits[place] = (logits[place] ?? 0) + 0.02;
    assert.equal(logitProblems(logits, reference, tolerance).length, 1);
  });

  it("rejects NaN, infinity, a missing position and another number of logits", () => {
    const reference = readReference("shape4b-q4_0");
    for (const bad of [NaN, Infinity]) {
      const logits = asLogits(reference);
      logits[5] = bad;
      assert.equal(logitProblems(logits, reference, TOLERANCES.blocks).length, 1);
    }
    const zeros = asLogits(reference).fill(0, 0, reference.n_vocab);
    assert.equal(logitProblems(zeros, reference, TOLERANCES.blocks).length, 1);
    const short = asLogits(reference).subarray(1);
    assert.equal(logitProblems(short, reference, TOLERANCES.blocks).length, 1);
  });

  it("rejects logits that moved by one position", () => {
    for (const name of referenceNames()) {
      const reference = readReference(name);
      const { n_vocab, logits } = reference;
      const moved = {
        ...reference,
        logits: Float32Array.of(...logits.subarray(n_vocab), ...logits.subarray(0, n_vocab)),
      };
      const problems = logitProblems(asLogits(moved), reference, toleranceFor(reference));
      assert.equal(problems.length, reference.positions.length, name);
    }
  });
});

describe("parity: comparison of expert choices", () => {
  const reference: Reference = {
    ...readReference("shape4b-f32"),
    n_layer: 1,
    n_expert_used: 3,
    tokens: [0],
    routing: Uint8Array.of(5, 2, 9),
    margins: Uint8Array.of(200, 0, 200),
  };
  const verdict = (ids: readonly number[], margins: readonly number[]) =>
    routingProblems([[ids]], { ...reference, margins: Uint8Array.from(margins) }, TOLERANCES.F32).length === 0;

  it("wants the same experts in the same order", () => {
    assert.equal(verdict([5, 2, 9], [200, 200, 200]), true);
    assert.equal(verdict([2, 5, 9], [200, 200, 200]), false);
    assert.equal(verdict([5, 2, 8], [200, 200, 200]), false);
  });

  it("lets ranks change places only where the reference's logits are close", () => {
    assert.equal(verdict([5, 9, 2], [200, 0, 200]), true);
    assert.equal(verdict([2, 5, 9], [200, 0, 200]), false);
    assert.equal(verdict([5, 9, 8], [200, 0, 200]), false);
  });

  it("lets an unused expert in only where the last used one is close to it", () => {
    assert.equal(verdict([5, 2, 8], [200, 200, 0]), true);
    assert.equal(verdict([5, 8, 9], [200, 200, 0]), false);
    assert.equal(verdict([8, 2, 9], [200, 200, 0]), false);
  });

  it("rejects repeated experts, too few experts, layers or tokens", () => {
    assert.equal(verdict([5, 2, 2], [200, 200, 0]), false);
    assert.equal(verdict([5, 2], [200, 200, 0]), false);
    const wrongShapes: Routing[] = [
      [],
      [[]],
      [
        [
          [5, 2, 9],
          [5, 2, 9],
        ],
      ],
      [[[5, 2, 9]], [[5, 2, 9]]],
    ];
    for (const routing of wrongShapes) {
      assert.equal(routingProblems(routing, reference, TOLERANCES.F32).length, 1);
    }
  });
});

describe("parity: the references", () => {
  it("compare nearly every choice of experts", () => {
    for (const name of referenceNames()) {
      const reference = readReference(name);
      const share = comparedShare(reference, toleranceFor(reference));
      assert.ok(share > 0.95, `${name}: only ${String(share)}`);
    }
  });

  it("agree with themselves", () => {
    for (const name of referenceNames()) {
      const reference = readReference(name);
      assert.deepEqual(logitProblems(asLogits(reference), reference, toleranceFor(reference)), [], name);
      assert.deepEqual(routingProblems(asRouting(reference), reference, toleranceFor(reference)), [], name);
    }
  });

  // Made by the float64 oracle with one mistake switched on (test/fixtures/oracle/sensitivity.py has them all).
  for (const wrong of ["window-small.window-1", "window-small.window+1", "shape4b-f32.gates-of-token-0"]) {
    it(`tell ${wrong} from the truth`, () => {
      const mistaken = readReference(`wrong/${wrong}`);
      const reference = readReference(mistaken.model);
      const tolerance = toleranceFor(reference);
      assert.notDeepEqual(logitProblems(asLogits(mistaken), reference, tolerance), []);
      assert.notDeepEqual(routingProblems(asRouting(mistaken), reference, tolerance), []);
    });
  }

  it("tell swapped experts from the truth", () => {
    const reference = readReference("shape21b-f32");
    const swapped = asRouting(reference).map((layer) => layer.map(([a = 0, b = 0, ...rest]) => [b, a, ...rest]));
    const problems = routingProblems(swapped, reference, toleranceFor(reference));
    assert.ok(problems.length > 0.95 * reference.n_layer * reference.tokens.length);
  });
});
