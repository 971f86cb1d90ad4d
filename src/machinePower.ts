import { readdirSync, readFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import type { PowerState } from "./core/power";

/** What a machine tells of itself; tests have another one. Nothing here rejects or throws. */
export interface PowerFacts {
  readonly read: (path: string) => string | undefined;
  readonly list: (folder: string) => readonly string[];
  /** Processes that ran or wanted to, on the average of a minute; 0 where the system does not count them (Windows). */
  readonly load: () => number;
  readonly cores: number;
}

const SUPPLIES = "/sys/class/power_supply";
const PROFILE = "/sys/firmware/acpi/platform_profile";
/** The engine itself makes one process a core. */
const BUSY_PER_CORE = 2;

const THIS_MACHINE: PowerFacts = {
  read(path) {
    try {
      return readFileSync(path, "utf8").trim();
    } catch {
      return undefined;
    }
  },
  list(folder) {
    try {
      return readdirSync(folder);
    } catch {
      return [];
    }
  },
  load: () => loadavg()[0] ?? 0,
  cores: availableParallelism(),
};

/**
 * Power as far as the system tells it to a program without native code: on Linux batteries and mains of `/sys/class/power_supply`
 * and the firmware's profile (the kernel's Documentation/ABI/testing/sysfs-class-power and sysfs-platform_profile); elsewhere only how busy the
 * machine is, and on Windows not even that. What is not told is taken as mains power.
 */
export function powerState(facts: PowerFacts = THIS_MACHINE): PowerState {
  return {
    onBattery: isOnBattery(facts),
    lowPower: facts.read(PROFILE) === "low-power",
    busy: facts.load() >= BUSY_PER_CORE * facts.cores,
  };
}

/** A battery of the machine itself is being emptied, and no mains adapter is connected. */
function isOnBattery({ read, list }: PowerFacts): boolean {
  const supplies = list(SUPPLIES).map((name) => {
    const field = (file: string): string | undefined => read(join(SUPPLIES, name, file));
    // A mouse has a battery of its own.
    return {
      type: field("type"),
      isOwn: field("scope") !== "Device",
      online: field("online"),
      status: field("status"),
    };
  });
  const own = supplies.filter(({ isOwn }) => isOwn);
  const isPlugged = own.some(({ type, online }) => type !== "Battery" && type !== "UPS" && online === "1");
  return !isPlugged && own.some(({ type, status }) => type === "Battery" && status === "Discharging");
}
