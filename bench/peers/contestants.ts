/** The contestants, from the command line. */
import { cpSync, existsSync, rmSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { ISAS, type Isa } from "../../src/protocol/engineOptions";
import type { PeerSpec } from "./job";

const ROOT = join(__dirname, "..", "..");

export interface Peer {
  readonly name: string;
  readonly spec: PeerSpec;
}

export interface PeerOptions {
  readonly hearth: readonly string[];
  readonly isa?: string | undefined;
  readonly "memory-budget-mib"?: string | undefined;
  readonly "memory-limit-mib"?: string | undefined;
  readonly "llama-backend"?: string | undefined;
  /** Names; without it all of them. */
  readonly peers?: string | undefined;
}

/** --hearth [NAME=]DIST[@ISA], each a peer; without one, this tree's build. */
function hearthPeers(options: PeerOptions): Peer[] {
  const given = options.hearth.length === 0 ? [`hearth=${join(ROOT, "dist")}`] : options.hearth;
  const budget = options["memory-budget-mib"] ?? options["memory-limit-mib"];
  return given.map((each) => {
    const [, name, place = "", ownIsa] = /^(?:([^=]+)=)?(.+?)(?:@(\w+))?$/.exec(each) ?? [];
    const dist = resolve(place);
    if (!existsSync(join(dist, "hearth.node"))) {
      throw new Error(`--hearth ${each}: no hearth.node in ${dist}; give the dist folder of a build`);
    }
    const isa = isaNamed(ownIsa ?? options.isa);
    return {
      name: name ?? "hearth",
      spec: {
        engine: "hearth",
        dist,
        ...(isa === undefined ? {} : { isa }),
        ...(budget === undefined ? {} : { memoryBudgetBytes: Number(budget) * 2 ** 20 }),
      },
    };
  });
}

function isaNamed(name: string | undefined): Isa | undefined {
  const isa = ISAS.find((each) => each === name);
  if (name !== undefined && isa === undefined) {
    throw new Error(`--isa ${name}: there are ${ISAS.join(", ")}`);
  }
  return isa;
}

function llamaPeer(backend: string | undefined, noRepack: string | undefined): Peer {
  const packages = join(__dirname, "node_modules");
  if (!existsSync(join(packages, "node-llama-cpp"))) {
    throw new Error(`run "npm ci --ignore-scripts" in ${__dirname} first, or leave llama out: --peers hearth`);
  }
  const root = backend === undefined ? packages : onlyBackend(packages, backend);
  const module = join(root, "node-llama-cpp", "dist", "index.js");
  return { name: "llama.cpp", spec: { engine: "llama", module, ...(noRepack === undefined ? {} : { noRepack }) } };
}

/**
 * A copy of the package that has the kernels of one processor generation only (haswell, icelake, …), since it takes the best that
 * it finds. It lies inside node_modules, where it finds all other packages.
 */
function onlyBackend(packages: string, backend: string): string {
  const platform = `linux-${process.arch}`;
  const root = join(packages, `.${backend}`, "node_modules");
  const kernels = join("bins", platform, `libggml-cpu-${backend}.so`);
  const own = join("@node-llama-cpp", platform);
  if (!existsSync(join(packages, own, kernels))) {
    throw new Error(`no --llama-backend ${backend}: ${join(packages, own, kernels)} is not there`);
  }
  rmSync(root, { recursive: true, force: true });
  cpSync(join(packages, own), join(root, own), {
    recursive: true,
    filter: (file) => !basename(file).startsWith("libggml-cpu-") || file.endsWith(kernels),
  });
  const main = join(packages, "node-llama-cpp");
  cpSync(main, join(root, "node-llama-cpp"), {
    recursive: true,
    filter: (file) => file !== join(main, "llama", "gitRelease.bundle"),
  });
  return root;
}

/** The order is that in which they are measured. `noRepack`: the library that keeps llama.cpp from repacking, if it is to be kept. */
export function choosePeers(options: PeerOptions, noRepack: string | undefined): Peer[] {
  const wanted = options.peers?.split(",");
  const isWanted = (name: string): boolean => wanted === undefined || wanted.includes(name);
  const peers = [
    ...(isWanted("llama") ? [llamaPeer(options["llama-backend"], noRepack)] : []),
    ...hearthPeers(options).filter(({ name }) => isWanted(name)),
  ];
  if (peers.length === 0 || new Set(peers.map(({ name }) => name)).size < peers.length) {
    throw new Error("give each build of Hearth a name, --hearth NAME=DIST, and leave one peer at least");
  }
  return peers;
}
