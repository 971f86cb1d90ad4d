import assert from "node:assert/strict";
import { cgroupMemoryLimit, machineFacts } from "./machine";

const limitIn = (files: Readonly<Record<string, string>>): Promise<number | undefined> =>
  cgroupMemoryLimit({ read: (path) => Promise.resolve(files[path]) });

describe("the memory that a control group allows", () => {
  it("is the least along a nested path of version 2", async () => {
    const files = {
      "/proc/self/cgroup": "0::/user.slice/app.slice/code.scope\n",
      "/sys/fs/cgroup/user.slice/app.slice/code.scope/memory.max": "max\n",
      "/sys/fs/cgroup/user.slice/app.slice/memory.max": "4000000000\n",
      "/sys/fs/cgroup/user.slice/memory.max": "8000000000\n",
    };
    assert.equal(await limitIn(files), 4e9);
    assert.equal(await limitIn({ ...files, "/sys/fs/cgroup/user.slice/app.slice/memory.high": "3000000000" }), 3e9);
  });

  it("is that of a container, whose own group is the root it sees", async () => {
    assert.equal(
      await limitIn({ "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "262144000\n" }),
      262_144_000,
    );
  });

  it("is that of version 1, where the group's own path may not be mounted", async () => {
    const files = {
      "/proc/self/cgroup": "9:cpu,cpuacct:/x\n5:memory:/docker/abc\n0::/system\n",
      "/sys/fs/cgroup/memory/memory.limit_in_bytes": "524288000\n",
    };
    assert.equal(await limitIn(files), 524_288_000);
    assert.equal(
      await limitIn({ ...files, "/sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712" }),
      undefined,
    );
  });

  it("is none where there are no groups", async () => {
    assert.equal(await limitIn({}), undefined);
    assert.equal(await limitIn({ "/proc/self/cgroup": "nonsense\n" }), undefined);
  });
});

describe("this machine", () => {
  it("has memory, cores and a drive, also for a folder that is not there yet", async () => {
    const facts = await machineFacts("/no/such/folder/at/all");
    assert.ok(facts.memoryBytes > 2 ** 27 && facts.cores > 0 && facts.freeDiskBytes > 0);
  });
});
