// Allowed imports in TypeScript: the table of docs/architecture.md, as rules for dependency-cruiser.

/** A folder may import itself and what its row names. */
const ROWS = {
  "^src/protocol/": ["^src/protocol/"],
  "^src/core/": ["^src/protocol/", "^src/core/"],
  "^src/model/": ["^src/protocol/", "^src/model/"],
  // A file is a model once its header has been read.
  "^src/models/": [
    "^src/protocol/",
    "^src/machineMemory\\.ts$",
    "^src/model/gguf(File|Header)\\.ts$",
    "^src/(fileLock|homeFolder|makeFolder|sharedFile)\\.ts$",
    "^src/network/",
    "^src/models/",
  ],
  // The way to other machines, and the ledger of what went over it: it knows nothing of what is asked for.
  "^src/network/": ["^src/(makeFolder|sharedFile)\\.ts$", "^src/network/"],
  // A model on a machine that the user names: the core's ports, as the engine's client has them. It is given its network.
  "^src/endpoint/": [
    "^src/protocol/",
    "^src/core/(ports|tokenEstimate|visibleText)\\.ts$",
    "^src/model/familyTokens\\.ts$",
    "^src/engine/client/textStream\\.ts$",
    "^src/engine/local/stopStrings\\.ts$",
    "^src/network/http\\.ts$",
    "^src/endpoint/",
  ],
  // Four folders, three edges. The client's side loads neither the server's nor the addon: a crash of the engine must not be
  // the window's.
  "^src/engine/wire/": ["^src/protocol/", "^src/(homeFolder|makeFolder)\\.ts$", "^src/engine/wire/"],
  "^src/engine/client/": ["^src/protocol/", "^src/core/ports\\.ts$", "^src/engine/(client|wire)/"],
  "^src/engine/server/": [
    "^src/protocol/",
    "^src/(machineMemory|makeFolder|processes)\\.ts$",
    "^src/model/",
    "^src/engine/(server|wire|local)/",
  ],
  // The self-test asks with the prompts that windows ask with.
  "^src/engine/local/": [
    "^src/protocol/",
    "^src/core/(ports|promptLayout)\\.ts$",
    "^src/machineMemory\\.ts$",
    "^src/model/",
    "^src/engine/local/",
  ],
  "^src/doctor/": [
    "^src/protocol/",
    "^src/core/visibleText\\.ts$",
    "^src/machineMemory\\.ts$",
    "^src/(fileLock|processes)\\.ts$",
    "^src/models/",
    "^src/network/",
    "^src/engine/client/",
    "^src/engine/wire/address\\.ts$",
    "^src/doctor/",
  ],
  "^src/machineMemory\\.ts$": [],
  "^src/(homeFolder|makeFolder)\\.ts$": [],
  "^src/processes\\.ts$": ["^src/protocol/"],
  "^src/fileLock\\.ts$": ["^src/protocol/", "^src/processes\\.ts$"],
  "^src/sharedFile\\.ts$": ["^src/protocol/", "^src/(fileLock|makeFolder)\\.ts$"],
  "^src/machinePower\\.ts$": ["^src/core/power\\.ts$"],
  // The chat view's page is a string; all else of the view is for a browser.
  "^src/vscode/": [
    "^src/protocol/",
    "^src/core/",
    "^src/syntax/catalog\\.ts$",
    "^src/models/(size|progressText|speedEstimate)\\.ts$",
    "^src/endpoint/address\\.ts$",
    "^src/vscode/",
    "^webview/chat/page\\.ts$",
  ],
  "^src/extension\\.ts$": [
    "^src/protocol/",
    "^src/core/",
    "^src/engine/client/",
    "^src/engine/wire/address\\.ts$",
    "^src/doctor/",
    "^src/(fileAccess|gitIgnored|homeFolder|localFiles)\\.ts$",
    // What a suggestion's report says is tried, as the command line will.
    "^src/cli/givenAnswer\\.ts$",
    "^src/syntax/",
    "^src/models/",
    "^src/network/",
    "^src/endpoint/",
    "^src/machinePower\\.ts$",
    "^src/systemClock\\.ts$",
    "^src/vscode/",
  ],
  // Grammars: an implementation of a port of the core, for the extension host and for Node.
  "^src/syntax/": ["^src/core/syntax/", "^src/syntax/"],
  "^src/fileAccess\\.ts$": ["^src/protocol/"],
  "^src/gitIgnored\\.ts$": [],
  "^src/localFiles\\.ts$": ["^src/core/reading/readRules\\.ts$"],
  "^src/systemClock\\.ts$": ["^src/core/ports\\.ts$"],
  "^src/web\\.ts$": [],
  // Its messages about a failure are those of the rest of the window.
  "^webview/": ["^src/protocol/", "^src/core/(remedies|skipReasons)\\.ts$", "^webview/"],
  "^src/cli(\\.ts$|/)": [
    "^src/protocol/",
    "^src/core/",
    "^src/model/",
    "^src/(machineMemory|processes)\\.ts$",
    "^src/models/",
    "^src/network/",
    "^src/engine/",
    "^src/doctor/",
    "^src/localFiles\\.ts$",
    "^src/syntax/",
    "^src/systemClock\\.ts$",
    "^src/cli/",
  ],
};
const TESTS = "\\.test\\.ts$|/testing/";
const DIFF_PACKAGE = "node_modules/node-diff3/";
const IGNORE_PACKAGE = "node_modules/ignore/";

const rows = Object.entries(ROWS).map(([from, to]) => ({
  name: `table: ${from}`,
  severity: "error",
  from: { path: from, pathNot: TESTS },
  to: { path: "^(src|webview)/", pathNot: to },
}));

module.exports = {
  forbidden: [
    ...rows,
    {
      name: "plain-core",
      comment: "protocol and core know neither Node nor packages nor the editor: they run anywhere and test without it",
      severity: "error",
      from: { path: "^src/(protocol|core)/", pathNot: TESTS },
      to: {
        dependencyTypes: ["core", "npm", "npm-dev", "npm-no-pkg", "npm-unknown"],
        pathNot: [DIFF_PACKAGE, IGNORE_PACKAGE],
      },
    },
    {
      name: "one-diff",
      comment: "one of core's two packages: plain functions on arrays; texts are compared in one place",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/core/edit/lineDiff\\.ts$" },
      to: { path: DIFF_PACKAGE },
    },
    {
      name: "one-ignore",
      comment: "the other: a function of patterns and a path; ignore files are understood in one place",
      severity: "error",
      from: { path: "^src/", pathNot: "^src/core/reading/ignoreFiles\\.ts$" },
      to: { path: IGNORE_PACKAGE },
    },
    {
      name: "editor-only",
      comment:
        "src/vscode knows the editor and nothing else of the machine, so that what it does can be seen by the editor",
      severity: "error",
      from: { path: "^src/vscode/", pathNot: TESTS },
      to: { dependencyTypes: ["core", "npm", "npm-no-pkg", "npm-unknown"], pathNot: "^vscode$" },
    },
    {
      name: "page-only",
      comment: "the chat view is a page: it has no Node, and no editor but what it is told by messages",
      severity: "error",
      from: { path: "^webview/", pathNot: TESTS },
      to: { dependencyTypes: ["core", "npm-no-pkg", "npm-unknown"] },
    },
    {
      name: "no-network",
      comment: "Hearth works offline; only network/nodeHttp.ts may ever open a connection to another machine",
      severity: "error",
      from: { path: "^src/", pathNot: ["^src/network/nodeHttp\\.ts$", TESTS] },
      to: { path: "^(node:)?(http|https|http2|dgram|tls|dns|undici)$" },
    },
    {
      name: "local-sockets",
      comment: "windows and the engine talk over a local socket; nothing else has any",
      severity: "error",
      from: { path: "^src/", pathNot: ["^src/engine/(client|server|wire)/", TESTS] },
      to: { path: "^(node:)?net$" },
    },
    {
      name: "no-dev-packages",
      comment: "what ships depends on what ships",
      severity: "error",
      from: { path: "^(src|webview)/", pathNot: TESTS },
      to: { dependencyTypes: ["npm-dev", "npm-no-pkg"], dependencyTypesNot: ["type-only"] },
    },
    {
      name: "no-cycles",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
    { name: "resolvable", severity: "error", from: {}, to: { couldNotResolve: true, pathNot: "^vscode$" } },
  ],
  options: {
    tsConfig: { fileName: "tsconfig.json" },
    tsPreCompilationDeps: true,
    doNotFollow: { path: "node_modules" },
    enhancedResolveOptions: {
      extensions: [".ts", ".js", ".json"],
      exportsFields: ["exports"],
      conditionNames: ["node", "import", "require", "default"],
    },
  },
};
