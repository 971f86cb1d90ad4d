/** What a piece of code at the outermost level of a file, class or the like is. */
export type DeclarationKind =
  | "import"
  /** It has members of its own: a class, a namespace, a rule, an object of JSON. */
  | "container"
  | "function"
  | "variable"
  /** A call with a title, such as `it("adds", …)`. */
  | "call"
  /** An entry of an object, an enumeration, a rule. */
  | "entry"
  | "statement";

/** Where a declaration has to stand. */
export type Nesting = "member" | "top" | "any";

export interface Declaration {
  readonly kind: DeclarationKind;
  /** "" for statements. */
  readonly name: string;
  /** Parameters as they are written, for functions: tells overloads apart. */
  readonly parameters: string;
  readonly nesting: Nesting;
  /** Of the class, not of its objects: these may share a name. */
  readonly isStatic: boolean;
  /** Its first line: of the comments and decorators above it. */
  readonly start: number;
  /** The line with its name. */
  readonly head: number;
  /** The line behind it. */
  readonly end: number;
  /** Lines between the opening and the closing one of a container; undefined where there is none. */
  readonly body: { readonly start: number; readonly end: number } | undefined;
  readonly members: readonly Declaration[];
}

/** What the head of a declaration says. */
export interface Head {
  readonly kind: DeclarationKind;
  readonly name: string;
  readonly parameters?: string;
  readonly nesting?: Nesting;
}

export const STATEMENT: Head = { kind: "statement", name: "" };
