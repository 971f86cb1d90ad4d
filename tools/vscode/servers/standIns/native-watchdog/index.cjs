// Stands in for VS Code's watchdog, a C++ addon that would have to be compiled. It ends an extension host whose server
// has died while JavaScript in the host does not yield; a host that yields looks for itself, every second.
exports.start = () => {};
exports.exit = (code) => process.exit(code ?? 0);
