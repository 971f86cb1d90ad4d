// Stands in for @vscode/deviceid, which marks this machine with an id for telemetry. Another one each time.
const { randomUUID } = require("node:crypto");

exports.getDeviceId = () => Promise.resolve(randomUUID());
