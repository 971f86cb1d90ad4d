import type { Indentation } from "../indentation";
import { type Glob, globOf } from "./glob";

/** One `.editorconfig` (https://spec.editorconfig.org, version 0.17). */
export interface EditorConfig {
  /** Files in folders further out do not count. */
  readonly isRoot: boolean;
  readonly sections: readonly {
    /** What a file's path below the folder of the file is tried with. */
    readonly matches: Glob;
    /** Keys and values in lower case. */
    readonly properties: ReadonlyMap<string, string>;
  }[];
}

export const EDITOR_CONFIG_NAME = ".editorconfig";
/** The specification's limits for keys and values; longer lines are none. */
const LINE_CHARS_MAX = 4096 + 1024 + 3;
const LINES_MAX = 10_000;
/** Of all headers of a file: each is compared with a path at the cost of both lengths. */
const HEADERS_CHARS_MAX = 65_536;

/** Never throws: a line that is no comment, no section and no pair is skipped, as the specification has it. */
export function parseEditorConfig(text: string): EditorConfig {
  const sections: { matches: Glob; properties: Map<string, string> }[] = [];
  let isRoot = false;
  let headers = 0;
  for (const line of text.replace(/^\uFEFF/, "").split(/\r\n|\r|\n/, LINES_MAX)) {
    const own = line.trim();
    if (own === "" || /^[#;]/.test(own) || own.length > LINE_CHARS_MAX) {
      continue;
    }
    const header = /^\[(.*)\]$/.exec(own)?.[1];
    const [, key, value] = /^([^=]+?)\s*=\s*(.*?)$/.exec(own) ?? [];
    headers += header?.length ?? 0;
    if (headers > HEADERS_CHARS_MAX) {
      break;
    }
    if (header !== undefined) {
      sections.push({ matches: globOf(header), properties: new Map() });
    } else if (key !== undefined && value !== undefined) {
      const section = sections.at(-1);
      section?.properties.set(key.toLowerCase(), value.toLowerCase());
      isRoot ||= section === undefined && key.toLowerCase() === "root" && value.toLowerCase() === "true";
    }
  }
  return { isRoot, sections };
}

/** A file with the path of the document below its folder, with forward slashes. */
export interface ConfigAbove {
  readonly config: EditorConfig;
  readonly path: string;
}

/**
 * How the files say that a document is indented; undefined where they do not. `above`: those of its folder and the folders
 * around it, the nearest first. `otherwise` says what they leave open.
 */
export function configuredIndentation(above: readonly ConfigAbove[], otherwise: Indentation): Indentation | undefined {
  const root = above.findIndex(({ config }) => config.isRoot);
  const counted = root === -1 ? above : above.slice(0, root + 1);
  const properties = new Map<string, string>();
  for (const { config, path } of counted.toReversed()) {
    for (const section of config.sections) {
      if (section.matches.test(path)) {
        for (const [key, value] of section.properties) {
          properties.set(key, value);
        }
      }
    }
  }
  const number = (key: string): number | undefined => {
    const value = Number(properties.get(key) ?? Number.NaN);
    return Number.isInteger(value) && value >= 1 && value <= 64 ? value : undefined;
  };
  const said = properties.get("indent_style");
  // "tab" as a size means the width of a tab.
  const size = number("indent_size") ?? number("tab_width");
  const style = said === "tab" ? "tabs" : said === "space" ? "spaces" : undefined;
  return style === undefined && size === undefined
    ? undefined
    : { style: style ?? otherwise.style, size: size ?? otherwise.size };
}
