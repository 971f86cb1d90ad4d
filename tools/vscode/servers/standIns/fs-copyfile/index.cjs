// Stands in for @vscode/fs-copyfile, a C++ addon that would have to be compiled. Without it the git extension does not
// load; it copies files into new worktrees, and clones them where the file system can.
const fs = require("node:fs");

exports.copyFile = fs.promises.copyFile;
exports.copyFileSync = fs.copyFileSync;
exports.cp = fs.promises.cp;
exports.isCloneSupported = () => false;
exports.constants = fs.constants;
