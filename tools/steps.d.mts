// The types of what tests use of steps.mjs.
export class StepError extends Error {}
export function runAll(checks: Readonly<Record<string, () => unknown>>): Promise<void>;
