// Stands in for @vscode/spdlog, which is a C++ addon that would have to be compiled: the log files of VS Code, written
// by Node. Only what VS Code calls.
const fs = require("node:fs");
const path = require("node:path");

const LEVELS = ["trace", "debug", "info", "warning", "error", "critical"];

class Logger {
  #level = LEVELS.indexOf("info");
  #plain = false;
  #bytes;

  constructor(_type, _name, file, maxFileSize) {
    this.file = file;
    this.maxFileSize = maxFileSize;
    this.#bytes = fs.statSync(file, { throwIfNoEntry: false })?.size ?? 0;
  }

  #write(level, message) {
    if (level < this.#level) return;
    const time = new Date().toISOString().replace("T", " ").slice(0, -1);
    const line = this.#plain ? message : `${time} [${LEVELS[level]}] ${message}\n`;
    this.#bytes += Buffer.byteLength(line);
    // The original keeps older files beside this one; a log that starts anew is bounded too.
    const flag = this.#bytes > this.maxFileSize ? "w" : "a";
    if (flag === "w") this.#bytes = Buffer.byteLength(line);
    try {
      fs.writeFileSync(this.file, line, { flag });
    } catch {
      // The folder is being removed, or the disk is full: a log must not end what it tells of.
    }
  }

  trace(message) {
    this.#write(0, message);
  }
  debug(message) {
    this.#write(1, message);
  }
  info(message) {
    this.#write(2, message);
  }
  warn(message) {
    this.#write(3, message);
  }
  error(message) {
    this.#write(4, message);
  }
  critical(message) {
    this.#write(5, message);
  }

  getLevel() {
    return this.#level;
  }
  setLevel(level) {
    this.#level = level;
  }
  /** VS Code sets one pattern, the one above. */
  setPattern() {}
  clearFormatters() {
    this.#plain = true;
  }
  /** Every line is written at once. */
  flush() {}
  drop() {}
}

async function createLogger(type, name, file, maxFileSize) {
  fs.mkdirSync(path.dirname(file), { recursive: true });
  return new Logger(type, name, file, maxFileSize);
}

exports.version = 0;
exports.Logger = Logger;
exports.setLevel = () => {};
exports.setFlushOn = () => {};
exports.createRotatingLogger = (...args) => createLogger("rotating", ...args);
exports.createAsyncRotatingLogger = (...args) => createLogger("rotating_async", ...args);
