import assert from "node:assert/strict";
import { Repetition } from "./repetition";

const line = (length: number, from = 1000): number[] => Array.from({ length }, (_, i) => from + i);
const times = (unit: readonly number[], count: number): number[] => Array.from({ length: count }, () => unit).flat();
/** How many tokens were taken before it was a loop; undefined: it was none. */
const endOf = (tokens: readonly number[], prompt: readonly number[] = []): number | undefined => {
  const repetition = new Repetition(prompt);
  const at = tokens.findIndex((id) => repetition.push(id));
  return at === -1 ? undefined : at + 1;
};

describe("Repetition", () => {
  it("ends a line that is said again and again, however long it is and whatever came before", () => {
    for (const length of [1, 2, 7, 19, 40, 61, 128]) {
      const said = [...line(300, 5000), ...times(line(length), 2000)];
      const end = endOf(said);
      assert.ok(
        end !== undefined && end <= 300 + Math.max(240, 6 * length) + length,
        `${String(length)}: ${String(end)}`,
      );
    }
  });

  it("lets go on what differs, or repeats a few times", () => {
    assert.equal(endOf(times(line(20), 5)), undefined);
    assert.equal(endOf(Array.from({ length: 200 }, (_, i) => [...line(12), i]).flat()), undefined);
    assert.equal(endOf(times([7], 200)), undefined);
    assert.equal(endOf(line(3000)), undefined);
  });

  it("lets go on what the prompt has, from wherever in it", () => {
    const unit = line(20);
    const prompt = [...line(50, 3000), ...times(unit, 3), ...line(50, 4000)];
    assert.equal(endOf(times(unit, 40), prompt), undefined);
    assert.equal(endOf(times([...unit.slice(7), ...unit.slice(0, 7)], 40), prompt), undefined);
    assert.ok(endOf(times(line(20, 9000), 100), prompt) !== undefined);
  });

  it("ends that, too, where it goes on for much longer than in the prompt", () => {
    for (const length of [1, 3, 20, 40]) {
      const unit = line(length);
      assert.equal(endOf(times(unit, 2000), [...line(50, 3000), ...times(unit, 3)]), 961, String(length));
      const long = times(unit, 1200 / length);
      assert.equal(endOf(times(unit, 2400 / length), long), undefined, String(length));
      assert.equal(endOf(times(unit, 3000), [...line(50, 3000), ...long]), 2401, String(length));
    }
  });
});
