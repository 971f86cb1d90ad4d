/** What may help against a failure of the engine; the chat view may ask for these. */
export type FailureRemedy =
  | "openMemoryBudget"
  | "chooseModel"
  | "useBuiltInModel"
  | "restartEngine"
  | "showLog"
  | "openEndpoint"
  | "setEndpointKey"
  | "computeHere";

/** What may help where nothing is suggested. */
export type RemedyName = FailureRemedy | "turnOn" | "turnOnLanguage" | "endSnooze" | "suggestNow" | "openEagerness";

export interface Remedy {
  /** Of a button or of a menu item. */
  readonly title: string;
  /** One of Hearth's commands in package.json, or one of the editor's own. */
  readonly command: string;
  readonly arguments?: readonly unknown[];
}

export const REMEDIES: Readonly<Record<RemedyName, Remedy>> = {
  openMemoryBudget: {
    title: "Open Setting",
    command: "workbench.action.openSettings",
    arguments: ["hearth.engine.memoryBudget"],
  },
  chooseModel: { title: "Choose Model…", command: "hearth.chooseModel" },
  useBuiltInModel: { title: "Use the Starter Model", command: "hearth.useBuiltInModel" },
  restartEngine: { title: "Restart Engine", command: "hearth.restartEngine" },
  showLog: { title: "Show Log", command: "hearth.showLog" },
  openEndpoint: {
    title: "Open Setting",
    command: "workbench.action.openSettings",
    arguments: ["hearth.endpoint"],
  },
  setEndpointKey: { title: "Set Endpoint Key…", command: "hearth.setEndpointKey" },
  computeHere: { title: "Compute on This Machine", command: "hearth.computeHere" },
  turnOn: { title: "Turn On Completion", command: "hearth.toggle" },
  turnOnLanguage: { title: "Turn On for This Language", command: "hearth.toggleLanguage" },
  endSnooze: { title: "End Snooze", command: "hearth.endSnooze" },
  suggestNow: { title: "Suggest Now", command: "hearth.trigger" },
  openEagerness: {
    title: "Change Eagerness",
    command: "workbench.action.openSettings",
    arguments: ["hearth.completion.eagerness"],
  },
};
