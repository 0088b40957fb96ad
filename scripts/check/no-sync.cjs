// Loaded before every process of the tests: files are not waited for until the disk has them. A killed process leaves to the
// next one what it wrote, on the disk or not; only a loss of power would tell, and no test cuts that.
const fs = require("node:fs");
const { syncBuiltinESMExports } = require("node:module");

fs.fsyncSync = () => undefined;
syncBuiltinESMExports();
