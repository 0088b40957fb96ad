#!/usr/bin/env node
// Writes the finished addon as a package for this platform, @lapidary/native-linux-x64 or the like, into a folder (prebuilt/,
// or the one that is named). Where the package is installed beside lapidary, nothing is built. To publish: `npm publish` in
// that folder, then a line in `optionalDependencies` of package.json, with this very version.
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { libtorchOf } from "./setup/libtorch.mjs";
import { manifestOf, PREBUILT } from "./setup/prebuilt.mjs";
import { ROOT } from "./setup/run.mjs";

const BUILD = join(ROOT, "native", "build");
const FILES = ["lapidary.node", "unused"].filter((name) => existsSync(join(BUILD, name)));

if (!FILES.includes("lapidary.node")) {
  process.stderr.write("prebuild: there is no native/build/lapidary.node; run `npm run setup` first\n");
  process.exit(1);
}
const { version, license } = manifestOf(ROOT);
const libtorch =
  libtorchOf("")
    .version?.map((line) => line.split(" ")[1])
    .join(".") ?? "of LIBTORCH";
const folder = resolve(process.argv[2] ?? join(ROOT, "prebuilt"), PREBUILT);
rmSync(folder, { recursive: true, force: true });
mkdirSync(folder, { recursive: true });
for (const name of FILES) cpSync(join(BUILD, name), join(folder, name), { recursive: true });
cpSync(join(ROOT, "LICENSE"), join(folder, "LICENSE"));
const manifest = {
  name: PREBUILT,
  version,
  description: `The native part of lapidary, for libtorch ${libtorch} as Debian has it`,
  license,
  os: [process.platform],
  cpu: [process.arch],
  main: "lapidary.node",
  files: FILES,
};
writeFileSync(join(folder, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
process.stdout.write(`${folder}\n`);
