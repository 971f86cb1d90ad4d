import type { Clock } from "./ports";

/** What is known of a machine's power. */
export interface PowerState {
  readonly onBattery: boolean;
  /** The user has told the system to save power. */
  readonly lowPower: boolean;
  /** Other programs want all cores. */
  readonly busy: boolean;
}

/**
 * What Hearth does where power is short: nothing, compute with fewer threads, wait longer and work nothing ahead, or only what is asked for
 * by hand.
 */
export const POWER_SAVING = ["off", "gentle", "whenAsked"] as const;
export type PowerSaving = (typeof POWER_SAVING)[number];

/** Looked at only where something depends on it, and not at every key. */
const LOOK_MS = 10_000;

/** For users, behind "Saving power: ". */
const REASONS = { battery: "on battery", profile: "low-power profile", busy: "the machine is busy" } as const;

/** Why power is saved now, as far as the machine tells; no timer of its own. */
export class PowerWatch {
  readonly #read: () => PowerState;
  readonly #clock: Pick<Clock, "nowMs">;
  readonly #wish: () => PowerSaving;
  #known: { readonly state: PowerState; readonly atMs: number } | undefined;

  constructor(read: () => PowerState, clock: Pick<Clock, "nowMs">, wish: () => PowerSaving) {
    this.#read = read;
    this.#clock = clock;
    this.#wish = wish;
  }

  /** What is done now. */
  get saving(): PowerSaving {
    return this.reason === undefined ? "off" : this.#wish();
  }

  /** Whether each request waits for a pause. Not beside other programs alone: who types steadily would see nothing for hours. */
  get waitsForPause(): boolean {
    return this.saving !== "off" && this.reason !== REASONS.busy;
  }

  /** For users, behind "Saving power: "; undefined where none is saved. */
  get reason(): string | undefined {
    if (this.#wish() === "off") {
      return undefined;
    }
    const { onBattery, lowPower, busy } = this.#state();
    return onBattery ? REASONS.battery : lowPower ? REASONS.profile : busy ? REASONS.busy : undefined;
  }

  #state(): PowerState {
    const nowMs = this.#clock.nowMs();
    if (this.#known === undefined || nowMs - this.#known.atMs >= LOOK_MS) {
      this.#known = { state: this.#read(), atMs: nowMs };
    }
    return this.#known.state;
  }
}
