import assert from "node:assert/strict";
import { calibrationPlot } from "./calibrationPlot";

describe("the plot of a calibration", () => {
  const precision = [
    { shown: 0.39, right: 0.44, level: "eager" },
    { shown: 0.3, right: 0.5 },
    { shown: 0.15, right: 0.72, level: "balanced" },
    { shown: 0.14, right: 0.73, level: "careful" },
  ];
  const reliability = [{ said: 0.05, right: 0.1 }];
  const svg = calibrationPlot(["code", "cursors"].map((name) => ({ name, reliability, precision })));

  it("names each curve and each level once, beside the marks that stand for them", () => {
    const texts = [...svg.matchAll(/<text[^>]*>([^<]*)<\/text>/g)].map(([, text]) => text);
    for (const name of ["code", "cursors", "eager", "balanced", "careful"]) {
      assert.equal(texts.filter((text) => text === name).length, 1, name);
    }
  });

  it("marks a level by the same shape on every curve", () => {
    const shapes = [...svg.matchAll(/<path d="M[\d.]+ [\d.]+(m[^"]+)" fill="([^"]+)"/g)].map(([, shape]) => shape);
    const [eager, balanced, careful, ...others] = shapes;
    assert.equal(new Set([eager, balanced, careful]).size, 3);
    assert.deepEqual(others, [eager, balanced, careful, eager, balanced, careful]);
  });
});
