#!/usr/bin/env node
// What `npm pack` runs first: puts ONNX Runtime beside the compiled code. As a dependency it would not do: its install step
// asks another host than the registry for CUDA, and it brings the builds of all platforms, 290 MB.
// docs/decisions/0027-what-the-package-brings.md
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { ROOT } from "./setup/run.mjs";

const SOURCE = join(ROOT, "node_modules", "onnxruntime-node");
/** Node looks here for what the files below `dist/` import, before it looks in the folders above. */
const TARGET = join(ROOT, "dist", "node_modules", "onnxruntime-node");
const BINARIES = join("bin", "napi-v6");
/** The platforms that the native part can be built on. The same library under two names is packed once. */
const PLATFORMS = {
  "linux/x64": ["libonnxruntime.so.1", "onnxruntime_binding.node"],
  "linux/arm64": ["libonnxruntime.so.1", "onnxruntime_binding.node"],
  "darwin/arm64": ["libonnxruntime.1.dylib", "onnxruntime_binding.node"],
};

function copyInto(folder) {
  const isCode = (path) => !/\.map$/.test(path);
  cpSync(join(SOURCE, "dist"), join(folder, "dist"), { recursive: true, filter: isCode });
  for (const [platform, names] of Object.entries(PLATFORMS)) {
    for (const name of names) cpSync(join(SOURCE, BINARIES, platform, name), join(folder, BINARIES, platform, name));
  }
  // Without its scripts, and without what only they need.
  const { name, version, license, repository, main, types } = JSON.parse(
    readFileSync(join(SOURCE, "package.json"), "utf8"),
  );
  writeFileSync(
    join(folder, "package.json"),
    JSON.stringify({ name, version, license, repository, main, types }, null, 2),
  );
  cpSync(join(import.meta.dirname, "pack", "onnxruntime-license.txt"), join(folder, "LICENSE"));
}

if (!existsSync(join(ROOT, "dist", "src"))) {
  process.stderr.write("prepack: there is no dist/; run `npm run build` first\n");
  process.exit(1);
}
mkdirSync(dirname(TARGET), { recursive: true });
const fresh = mkdtempSync(`${TARGET}-`);
copyInto(fresh);
// At once as a whole: what runs from this checkout meanwhile finds either all of it or that of node_modules.
rmSync(TARGET, { recursive: true, force: true });
renameSync(fresh, TARGET);
