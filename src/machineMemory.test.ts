import assert from "node:assert/strict";
import { cgroupMemoryLimit, defaultMemoryBudget, memoryLimit, residentBytes } from "./machineMemory";

const limitIn = (files: Readonly<Record<string, string>>): number | undefined =>
  cgroupMemoryLimit((path) => files[path]);

describe("the memory of this process", () => {
  it("is known without /proc, too", () => {
    const most = residentBytes(() => {
      throw new Error("ENOENT: no such file or directory, uv_resident_set_memory");
    });
    assert.ok(most >= residentBytes() / 2 && most < 2 ** 40, String(most));
  });
});

describe("the memory that a control group allows", () => {
  it("is the least along a nested path of version 2", () => {
    const files = {
      "/proc/self/cgroup": "0::/user.slice/app.slice/code.scope\n",
      "/sys/fs/cgroup/user.slice/app.slice/code.scope/memory.max": "max\n",
      "/sys/fs/cgroup/user.slice/app.slice/memory.max": "4000000000\n",
      "/sys/fs/cgroup/user.slice/memory.max": "8000000000\n",
    };
    assert.equal(limitIn(files), 4e9);
    assert.equal(limitIn({ ...files, "/sys/fs/cgroup/user.slice/app.slice/memory.high": "3000000000" }), 3e9);
  });

  it("is that of a container, whose own group is the root it sees", () => {
    assert.equal(limitIn({ "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "262144000\n" }), 262_144_000);
  });

  it("is that of version 1, where the group's own path may not be mounted", () => {
    const files = {
      "/proc/self/cgroup": "9:cpu,cpuacct:/x\n5:memory:/docker/abc\n0::/system\n",
      "/sys/fs/cgroup/memory/memory.limit_in_bytes": "524288000\n",
    };
    assert.equal(limitIn(files), 524_288_000);
    assert.equal(
      limitIn({ ...files, "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712" }),
      undefined,
    );
  });

  it("is none where there are no groups", () => {
    assert.equal(limitIn({}), undefined);
    assert.equal(limitIn({ "/proc/self/cgroup": "nonsense\n" }), undefined);
  });
});

describe("what an engine may take by default", () => {
  const GROUP = { "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "262144000\n" };

  it("is the machine's memory or the control group's, whichever is less, without a reserve", () => {
    const inGroup = memoryLimit((path) => (GROUP as Record<string, string>)[path], 16 * 2 ** 30);
    assert.deepEqual(inGroup, { bytes: 262_144_000, by: "controlGroup" });
    assert.equal(defaultMemoryBudget(inGroup), 196_608_000);
    const free = memoryLimit(() => undefined, 16 * 2 ** 30);
    assert.deepEqual(free, { bytes: 16 * 2 ** 30, by: "machine" });
    assert.equal(defaultMemoryBudget(free), 14 * 2 ** 30);
  });
});
