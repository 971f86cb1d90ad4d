import type { CatalogueModel, Fit, MachineFacts, OfferedModel } from "../protocol/models";
import { inEnglish, type Translate } from "../protocol/translate";
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
  t: Translate = inEnglish,
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
    const remark = remarkOn(t, model, fit, machine, hasRoom(model), reserveBytes);
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
  t: Translate,
  model: CatalogueModel,
  fit: Fit,
  machine: MachineFacts,
  hasRoom: boolean,
  reserveBytes: number,
): string | undefined {
  const { memory, bytes } = model.file;
  const have = formatBytes(machine.memoryBytes);
  if (fit === "tooLarge") {
    return machine.memoryLimited
      ? t("Needs at least {0} of memory; this control group has {1}.", formatBytes(memory.least), have)
      : t("Needs at least {0} of memory; this machine has {1}.", formatBytes(memory.least), have);
  }
  if (!hasRoom) {
    const [needed, free] = [formatBytes(bytes + reserveBytes), formatBytes(machine.freeDiskBytes)];
    return t("Needs {0} of free disk space; {1} is available.", needed, free);
  }
  if (fit === "fromDrive") {
    const wanted = formatBytes(memory.wanted);
    return machine.memoryLimited
      ? t(
          "Needs {0} of memory besides other programs, and this control group has {1}: a part of it is read from the drive, which is slower.",
          wanted,
          have,
        )
      : t(
          "Needs {0} of memory besides other programs, and this machine has {1}: a part of it is read from the drive, which is slower.",
          wanted,
          have,
        );
  }
  if (isFastEnough(model, machine)) {
    return undefined;
  }
  return machine.cores === 1 ? t("Slow on 1 core.") : t("Slow on {0} cores.", machine.cores);
}
