import { defaultMemoryBudget } from "../machineMemory";
import { openGgufFile } from "../model/ggufFile";
import type { BudgetOffer, MachineFacts } from "../protocol/models";
import type { MemorySpeed } from "./memorySpeed";
import { expectedSpeed } from "./speedEstimate";

/** Node, buffers and a context beside the weights: what an engine with a small model takes. */
const BESIDE_BYTES = 200 * 2 ** 20;
/** Fewer experts than a few tokens use are read anew all the time. */
const EXPERTS_PART_MIN = 0.1;
const STEPS_GIB = [0.5, 1, 1.5, 2, 3, 4, 6, 8, 10, 12, 16, 20, 24, 32, 48, 64, 96, 128];
const GIB = 2 ** 30;

/**
 * Budgets that a user may choose among for a model, and what each buys: experts that stay in memory, and the speed to expect. Reckoned
 * from the file's header; the engine plans to the byte when it loads. The first is the automatic one; the largest holds all of it.
 * Errors: EngineError `bad_model`, `io`.
 */
export async function budgetOffers(
  path: string,
  machine: Pick<MachineFacts, "memoryBytes">,
  speed: MemorySpeed | undefined,
): Promise<readonly BudgetOffer[]> {
  const { spec } = await openGgufFile(path);
  const bytesOf = (wanted: (name: string) => boolean): number =>
    spec.tensors.filter(({ name }) => wanted(name)).reduce((sum, { bytes }) => sum + bytes, 0);
  const experts = bytesOf((name) => name.includes("_exps"));
  const embedding = bytesOf((name) => name === "token_embd.weight");
  const hasHead = spec.tensors.some(({ name }) => name === "output.weight");
  const rest = bytesOf((name) => !name.includes("_exps"));
  const bytesPerToken = (experts * spec.n_expert_used) / spec.n_expert + rest - (hasHead ? embedding : 0);
  const all = spec.n_layer * spec.n_expert;
  const needed = rest + BESIDE_BYTES + experts;
  const offer = (budget: number, gib: number): BudgetOffer => {
    const part = Math.min(1, Math.max(0, (budget - rest - BESIDE_BYTES) / experts));
    const facts = { bytes: needed, bytesPerToken };
    return {
      gib,
      budgetBytes: Math.min(budget, needed),
      experts: Math.floor(all * part),
      expertsInAll: all,
      ...(speed === undefined ? {} : { speed: expectedSpeed(facts, machine, speed, budget) }),
    };
  };
  const automatic = offer(defaultMemoryBudget({ bytes: machine.memoryBytes, by: "machine" }), 0);
  const steps = STEPS_GIB.map((gib) => offer(gib * GIB, gib)).filter(
    ({ gib, experts: held }) => held >= all * EXPERTS_PART_MIN && gib * GIB <= machine.memoryBytes,
  );
  const whole = steps.findIndex(({ experts: held }) => held === all);
  return [automatic, ...(whole < 0 ? steps : steps.slice(0, whole + 1))];
}
