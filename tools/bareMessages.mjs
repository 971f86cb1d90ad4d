// What ESLint refuses in src/vscode: a text for users that is not given to vscode.l10n.t. Names are the same in all languages:
// a whole text that is "Hearth", an address, a path.

/** Two letters that are no part of an icon, `$(check)`, and no unit. */
const WORDS = /(?<!\$\([a-z~-]*)(?!GiB|iB)[A-Za-z]{2}/.source;
const TEXT = `/^(?!Hearth$|https:|org\\/).*${WORDS.replaceAll("/", "\\/")}/s`;

const MESSAGE = "CallExpression[callee.property.name=/^(show(Information|Warning|Error)Message|setStatusBarMessage)$/]";
/** Of options of lists, fields, progress and buttons. */
const OPTION = "Property[key.name=/^(title|placeHolder|prompt|detail|description|label|tooltip|openLabel)$/]";
/** Of items of the status bar and of lists that are filled. */
const ASSIGNED = "AssignmentExpression[left.property.name=/^(title|placeholder|text|tooltip|name|label)$/]";
const WHERE = [MESSAGE, OPTION, ASSIGNED];
/** A text itself, a part of a template, and either end of a choice between two. */
const BARE = ["Literal", "TemplateLiteral > TemplateElement"].flatMap((text) => {
  const value = text.endsWith("Element") ? "value.cooked" : "value";
  return [`> ${text}[${value}=${TEXT}]`, `> ConditionalExpression > ${text}[${value}=${TEXT}]`];
});

/** For the rule no-restricted-syntax. */
export const BARE_MESSAGES = WHERE.flatMap((where) =>
  BARE.map((bare) => ({
    selector: `${where} ${bare}`,
    message: "Give what a user reads to vscode.l10n.t, as a whole sentence (CONTRIBUTING.md).",
  })),
);
