import assert from "node:assert/strict";
import { type PowerFacts, powerState } from "./machinePower";

const SUPPLIES = "/sys/class/power_supply";

/** A machine whose files are these. */
function machine(files: Readonly<Record<string, string>>, load = 0): PowerFacts {
  return {
    read: (path) => files[path],
    list: (folder) => [
      ...new Set(
        Object.keys(files).flatMap((path) =>
          path.startsWith(`${folder}/`) ? (path.slice(folder.length + 1).split("/")[0] ?? []) : [],
        ),
      ),
    ],
    load: () => load,
    cores: 4,
  };
}

const battery = (status: string, more: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  [`${SUPPLIES}/BAT0/type`]: "Battery",
  [`${SUPPLIES}/BAT0/status`]: status,
  ...more,
});
const mains = (online: string): Record<string, string> => ({
  [`${SUPPLIES}/AC/type`]: "Mains",
  [`${SUPPLIES}/AC/online`]: online,
});

describe("powerState", () => {
  const onBattery = (files: Readonly<Record<string, string>>): boolean => powerState(machine(files)).onBattery;

  it("knows a battery that is being emptied", () => {
    assert.equal(onBattery(battery("Discharging")), true);
    assert.equal(onBattery({ ...battery("Discharging"), ...mains("0") }), true);
    assert.equal(onBattery({ ...battery("Discharging"), ...mains("1") }), false);
    for (const status of ["Charging", "Full", "Not charging", "Unknown"]) {
      assert.equal(onBattery({ ...battery(status), ...mains("0") }), false, status);
    }
  });

  it("takes no mouse for the machine, and USB power for mains", () => {
    assert.equal(onBattery(battery("Discharging", { [`${SUPPLIES}/BAT0/scope`]: "Device" })), false);
    assert.equal(
      onBattery({ ...battery("Discharging"), [`${SUPPLIES}/usb/type`]: "USB", [`${SUPPLIES}/usb/online`]: "1" }),
      false,
    );
  });

  it("is mains power where nothing is told", () => {
    assert.deepEqual(powerState(machine({})), { onBattery: false, lowPower: false, busy: false });
    assert.equal(onBattery({ [`${SUPPLIES}/BAT0/type`]: "Battery" }), false);
  });

  it("knows the profile of the firmware, and how busy the machine is", () => {
    const profile = (name: string): boolean =>
      powerState(machine({ "/sys/firmware/acpi/platform_profile": name })).lowPower;
    assert.deepEqual(["low-power", "balanced", "performance", "quiet"].map(profile), [true, false, false, false]);
    assert.equal(powerState(machine({}, 7.9)).busy, false);
    assert.equal(powerState(machine({}, 8)).busy, true);
  });

  it("reads this machine without failing", () => {
    assert.deepEqual(Object.keys(powerState()).sort(), ["busy", "lowPower", "onBattery"]);
  });
});
