// Stands in for @vscode/ripgrep, which downloads its program from GitHub when it is installed; its successor on npm,
// which has the programs inside, is an ES module.
const path = require("node:path");

const platform = `${process.platform}-${process.arch}`;
exports.rgPath = path.join(__dirname, "..", "ripgrep-universal", "bin", platform, "rg");
