import type { CatalogueModel, Fit, MachineFacts, OfferedModel } from "../protocol/models";
import { formatBytes } from "./size";

/** Memory that the system, the editor and other programs need beside a model. */
const OTHERS_BYTES = 2 * 2 ** 30;
/** Fewer are so slow with the 21B that nobody waits for it. */
const CORES_PER_BILLION_BYTES = 0.4;

/**
 * What of the catalogue suits a machine. Recommended is the largest model that is good for everything, fits in memory beside everything
 * else, has room on the drive and enough cores to be fast; where none does, the smallest that works.
 *
 * @param reserveBytes stays free on the drive. @param installed ids of models that are there, which need no more room.
 */
export function offers(
  catalogue: readonly CatalogueModel[],
  machine: MachineFacts,
  reserveBytes: number,
  installed: ReadonlySet<string>,
): OfferedModel[] {
  const judged = catalogue.map((model) => ({ model, fit: fitOf(model, machine) }));
  // One model serves all features: who wants completion alone finds the others in the list.
  const allRound = judged.filter(({ model: { goodFor } }) => goodFor.includes("chat") && goodFor.includes("edit"));
  const hasRoom = ({ id, file }: CatalogueModel): boolean =>
    installed.has(id) || file.bytes + reserveBytes <= machine.freeDiskBytes;
  const good = allRound
    .filter(({ model, fit }) => fit === "resident" && hasRoom(model) && isFastEnough(model, machine))
    .sort((a, b) => b.model.file.bytes - a.model.file.bytes)[0];
  const least = allRound
    .filter(({ model, fit }) => fit !== "tooLarge" && hasRoom(model))
    .sort((a, b) => a.model.file.bytes - b.model.file.bytes)[0];
  const best = good ?? least;
  return judged.map(({ model, fit }) => {
    const remark = remarkOn(model, fit, machine, hasRoom(model), reserveBytes);
    return { model, fit, recommended: model === best?.model, ...(remark === undefined ? {} : { remark }) };
  });
}

function fitOf({ file: { memory } }: CatalogueModel, { memoryBytes }: MachineFacts): Fit {
  if (memoryBytes >= memory.wanted + OTHERS_BYTES) {
    return "resident";
  }
  return memoryBytes >= memory.least ? "fromDrive" : "tooLarge";
}

function isFastEnough({ file }: CatalogueModel, { cores }: MachineFacts): boolean {
  return cores >= (file.bytes / 1e9) * CORES_PER_BILLION_BYTES;
}

function remarkOn(
  model: CatalogueModel,
  fit: Fit,
  machine: MachineFacts,
  hasRoom: boolean,
  reserveBytes: number,
): string | undefined {
  const { memory, bytes } = model.file;
  const have = `${machine.memoryLimited ? "this control group has" : "this machine has"} ${formatBytes(machine.memoryBytes)}`;
  if (fit === "tooLarge") {
    return `Needs at least ${formatBytes(memory.least)} of memory; ${have}.`;
  }
  if (!hasRoom) {
    return `Needs ${formatBytes(bytes + reserveBytes)} free on the drive; ${formatBytes(machine.freeDiskBytes)} are.`;
  }
  if (fit === "fromDrive") {
    return (
      `Wants ${formatBytes(memory.wanted)} of memory beside everything else and ${have}: ` +
      `reads a part of it from the drive, which is slower.`
    );
  }
  return isFastEnough(model, machine)
    ? undefined
    : `Slow on ${String(machine.cores)} ${machine.cores === 1 ? "core" : "cores"}.`;
}
