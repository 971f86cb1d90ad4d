// What ESLint refuses in src/vscode: a text for users that is not given to vscode.l10n.t. Names are the same in all languages:
// a whole text that is "Hearth", an address, a path. In webview: one that is not given to t of webview/chat/texts.ts.

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

/** Text between tags of a template for lit-html, beside a value of it or alone; an attribute is none of these. */
const BETWEEN_TAGS = /(^|>)(?!\s*Hearth\s*<)[^<>="]*[A-Za-z]{2}[^<>="]*(<|$)/.source;
/** An attribute whose value is shown or spoken. */
const SPOKEN_ATTRIBUTE =
  /\b(title|placeholder|alt|aria-(label|valuetext|description|roledescription))="[^"]*[A-Za-z]{2}/.source;
const PIECE = "TaggedTemplateExpression[tag.name=/^(html|svg)$/] > TemplateLiteral > TemplateElement";
/** Two words, or one with a capital letter at the beginning that ends as a sentence does: no name of a class, a key or an event. */
const PROSE = /(^|[^\w.#[-])[A-Za-z]{2,} [A-Za-z]{2,}(?![\w-])|^[A-Z][a-z]+(…|\.)$/.source;
const TOLD = "CallExpression[callee.name='t'], NewExpression[callee.name='Error']";
const LABEL = "CallExpression[callee.name=/(Button|^button)$/], Property[key.name=/^(label|title|detail|about)$/]";
const CAPITALIZED = "Literal[value=/^[A-Z][a-z]+$/]";

/** For the rule no-restricted-syntax, in the chat view. */
export const BARE_VIEW_TEXTS = [
  `${PIECE}[value.cooked=/${BETWEEN_TAGS}/]`,
  `${PIECE}[value.cooked=/${SPOKEN_ATTRIBUTE}/]`,
  `:not(${TOLD}, ImportDeclaration) > Literal[value=/${PROSE}/]:not([regex])`,
  `:not(TaggedTemplateExpression) > TemplateLiteral > TemplateElement[value.cooked=/${PROSE}/]`,
  // One word: where it can be nothing else than a text.
  `:matches(${LABEL}, ReturnStatement) > ${CAPITALIZED}`,
  `:matches(${LABEL}, ReturnStatement) > ConditionalExpression > ${CAPITALIZED}`,
  `TaggedTemplateExpression[tag.name='html'] > TemplateLiteral > ConditionalExpression > ${CAPITALIZED}`,
].map((selector) => ({
  selector,
  message: "Give what a user reads or hears to t of webview/chat/texts.ts, as a whole sentence (CONTRIBUTING.md).",
}));

const BARE_NUMBER = "Give a number in a text to decimal of src/protocol/decimal.ts.";
/** Of ts.TypeFlags. */
const NUMBER_LIKE = 296;

/** A number that goes into a text as it is looks English in every language. Needs types. */
export const bareNumbers = {
  meta: { type: "problem", fixable: "code", schema: [], messages: { bare: BARE_NUMBER } },
  create(context) {
    const services = context.sourceCode.parserServices;
    const checker = services.program.getTypeChecker();
    const isNumber = (node) => {
      const type = checker.getTypeAtLocation(services.esTreeNodeToTSNodeMap.get(node));
      return (type.isUnion() ? type.types : [type]).some(({ flags }) => (flags & NUMBER_LIKE) !== 0);
    };
    const wrapped = (node) => (fixer) => [fixer.insertTextBefore(node, "decimal("), fixer.insertTextAfter(node, ")")];
    return {
      "CallExpression[callee.object.property.name='l10n'][callee.property.name='t']"(node) {
        for (const argument of node.arguments.slice(1)) {
          if (isNumber(argument)) {
            context.report({ node: argument, messageId: "bare", fix: wrapped(argument) });
          }
        }
      },
      "CallExpression[callee.property.name='toFixed']"(node) {
        context.report({ node, messageId: "bare" });
      },
    };
  },
};
