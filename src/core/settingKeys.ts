/** Keys are given without the `hearth.` that they all begin with. */

/** Keys that settings had in earlier versions, by the keys that they have now. package.json declares both. */
export const EARLIER_KEYS: Readonly<Record<string, string>> = {
  exclude: "completion.exclude",
  "completion.warnAboutOtherCompletionExtensions": "completion.reportOthers",
  "engine.idleMinutes": "engine.restMinutes",
  "engine.keepAliveMinutes": "engine.stayMinutes",
};

/** A part of VS Code's `WorkspaceConfiguration`. */
export interface SettingsSource {
  get(key: string): unknown;
  /** Undefined for an undeclared key. */
  inspect(key: string):
    | {
        readonly globalValue?: unknown;
        readonly workspaceValue?: unknown;
        readonly workspaceFolderValue?: unknown;
      }
    | undefined;
}

/** The value of a setting, or that of its earlier key where only that is set; else the default in package.json. */
export function settingOf(source: SettingsSource, key: string): unknown {
  const earlier = EARLIER_KEYS[key];
  const isMeant = earlier !== undefined && !isSet(source, key) && isSet(source, earlier);
  return source.get(isMeant ? earlier : key);
}

/**
 * The patterns of `hearth.exclude`: what a workspace sets comes to what its user has set, so that no workspace can make a
 * file readable that its user has excluded. VS Code lets the workspace's list replace the user's.
 */
export function excludePatterns(source: SettingsSource): readonly string[] {
  const ofUser = (key: string): unknown => source.inspect(key)?.globalValue;
  const lists = [settingOf(source, "exclude"), ofUser("exclude") ?? ofUser("completion.exclude")];
  const patterns = lists.flatMap((list): unknown[] => (Array.isArray(list) ? list : []));
  return [...new Set(patterns.filter((each) => typeof each === "string"))];
}

/** It has a value in the user, workspace or folder settings. */
function isSet(source: SettingsSource, key: string): boolean {
  const { globalValue, workspaceValue, workspaceFolderValue } = source.inspect(key) ?? {};
  return [globalValue, workspaceValue, workspaceFolderValue].some((value) => value !== undefined);
}
