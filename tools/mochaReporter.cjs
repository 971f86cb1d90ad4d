// mocha's spec reporter, closed by one plain line "N passed, N failed".
const { reporters } = require("mocha");

module.exports = class PlainEnd extends reporters.Spec {
  constructor(runner, options) {
    super(runner, options);
    runner.once("end", () => {
      const { passes, failures } = this.stats;
      process.stdout.write(`${passes} passed, ${failures} failed\n`);
    });
  }
};
