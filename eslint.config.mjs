import tseslint from "typescript-eslint";
import { BARE_MESSAGES, BARE_VIEW_TEXTS, bareNumbers } from "./tools/bareMessages.mjs";

const FORBIDDEN = [
  { selector: "ExportDefaultDeclaration", message: "Export by name: one name everywhere." },
  { selector: "TSEnumDeclaration", message: "Use a union of literals." },
  { selector: "ExportAllDeclaration", message: "No barrels: import from where it is defined." },
];
const ENDLESS = [
  {
    selector: "CallExpression[callee.name=/^mkdir(Sync)?$/] Property[key.name='recursive']",
    message: "Node's way never ends below /proc: use src/makeFolder.ts.",
  },
];

export default tseslint.config(
  { ignores: ["**/node_modules", "build", "dist", ".cache", "bench/peers", "test/fixtures/oracle/node_modules"] },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/consistent-type-imports": ["error", { fixStyle: "inline-type-imports" }],
      "@typescript-eslint/switch-exhaustiveness-check": ["error", { considerDefaultExhaustiveForUnions: true }],
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // Names of GGUF (n_embd) are the field's own; names are checked by people.
      "@typescript-eslint/naming-convention": "off",
      "no-restricted-syntax": ["error", ...FORBIDDEN],
      "no-console": "error",
      "max-lines": ["warn", { max: 500, skipBlankLines: true, skipComments: true }],
    },
  },
  {
    files: ["**/*.test.ts", "test/**/*.ts", "bench/**/*.ts"],
    rules: {
      "@typescript-eslint/no-non-null-assertion": "off",
      "@typescript-eslint/restrict-template-expressions": "off",
      "@typescript-eslint/no-misused-spread": "off",
    },
  },
  {
    // Hearth talks to other machines in one place: src/network/nodeHttp.ts, see tools/imports.cjs.
    files: ["src/**/*.ts", "webview/**/*.ts"],
    ignores: ["**/*.test.ts", "**/testing/**"],
    rules: { "no-restricted-syntax": ["error", ...FORBIDDEN, ...ENDLESS] },
  },
  {
    files: ["src/**/*.ts", "webview/**/*.ts"],
    rules: { "no-restricted-globals": ["error", "fetch", "WebSocket", "EventSource", "XMLHttpRequest"] },
  },
  {
    files: ["src/vscode/**/*.ts", "src/web.ts"],
    ignores: ["**/*.test.ts"],
    plugins: { hearth: { rules: { "bare-numbers": bareNumbers } } },
    rules: { "no-restricted-syntax": ["error", ...FORBIDDEN, ...BARE_MESSAGES], "hearth/bare-numbers": "error" },
  },
  {
    files: ["webview/**/*.ts"],
    // The page is a string of HTML: its only text is its title.
    ignores: ["**/*.test.ts", "webview/chat/page.ts"],
    rules: { "no-restricted-syntax": ["error", ...FORBIDDEN, ...BARE_VIEW_TEXTS] },
  },
  { files: ["**/*.ts"], linterOptions: { reportUnusedDisableDirectives: "error" } },
);
