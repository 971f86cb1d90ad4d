import { indentWidth } from "../../indentation";
import { isMarkerLine } from "../elisionMarkers";
import type { Declaration } from "./declaration";

const DECORATOR = /^\s*(?:@\w|#!?\[|\[)/;

interface Text {
  readonly lines: readonly string[];
  readonly declaration: Declaration;
}

/** The lines of a declaration that takes the place of `old`, with the comments and decorators that it has, or else those of that. */
export function withLead({ lines: code, declaration: item }: Text, old: Text, tabWidth: number): readonly string[] {
  const { head, start } = old.declaration;
  const own = code.slice(item.start, item.head).filter((line) => !isMarkerLine(line));
  const before = old.lines.slice(start, head);
  const isDecorator = (line: string): boolean => DECORATOR.test(line);
  const isMoved = indentWidth(code[item.head] ?? "", tabWidth) !== indentWidth(old.lines[head] ?? "", tabWidth);
  const moved = (all: readonly string[]): readonly string[] => (isMoved ? all.map((line) => line.trimStart()) : all);
  const comments = own.filter((line) => !isDecorator(line));
  const lead =
    own.length === 0
      ? moved(before)
      : [
          ...(comments.length > 0 ? comments : moved(before.filter((line) => !isDecorator(line)))),
          ...(own.some(isDecorator) ? own.filter(isDecorator) : moved(before.filter(isDecorator))),
        ];
  return [...(own.some(isDecorator) && comments.length > 0 ? own : lead), ...code.slice(item.head, item.end)];
}
