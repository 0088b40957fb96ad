#!/usr/bin/env node
// What `npm run test:trixie` runs, as root: the whole suite and the demo on Debian 13, with its libtorch 2.6, in a folder of
// its own that debootstrap makes. The folder is kept for the next time; LAPIDARY_TRIXIE says where it lies, in place of
// /var/cache/lapidary/trixie. Arguments are those of `npm test`, and leave the demo out. Ends with what `npm test` said.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readdirSync, rmSync } from "node:fs";
import { dirname, join } from "node:path";
import { ROOT, run, SetupError } from "./setup/run.mjs";
import { stage } from "./setup/stage.mjs";

const FOLDER = process.env.LAPIDARY_TRIXIE ?? "/var/cache/lapidary/trixie";
const MIRROR = "http://deb.debian.org/debian";
/** Beside what set-up installs: what the tests and npm need of a system that is nothing but a base. */
const PACKAGES = ["ca-certificates", "git", "procps", "util-linux"];
/** Where the checkout lies inside. */
const CHECKOUT = "/lapidary";
const BUILT = ["node_modules", "dist", join("native", "build")];
const CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt";

const inside = (path) => join(FOLDER, path);

/** Runs a command in the folder. */
const enter = (args, options) => run("chroot", [FOLDER, ...args], options);

async function makeSystem() {
  if (existsSync(inside("/etc/lapidary-is-ready"))) return;
  if (process.getuid?.() !== 0) throw new SetupError("test:trixie makes a system in a folder: run it as root");
  await stage(`Debian 13 in ${FOLDER}`, async () => {
    mkdirSync(dirname(FOLDER), { recursive: true });
    await run("debootstrap", ["--variant=minbase", "trixie", FOLDER, MIRROR]);
    cpSync("/etc/resolv.conf", inside("/etc/resolv.conf"), { dereference: true });
    await enter(["apt-get", "update"]);
    await enter(["apt-get", "install", "-y", "--no-install-recommends", ...PACKAGES], {
      env: { DEBIAN_FRONTEND: "noninteractive" },
    });
    await enter(["touch", "/etc/lapidary-is-ready"]);
  });
}

/** The node that runs this, npm, and the certificates that the machine trusts. */
function copyTools() {
  const modules = join(dirname(dirname(process.execPath)), "lib", "node_modules");
  cpSync(process.execPath, inside("/usr/local/bin/node"));
  const npmModule = inside("/usr/local/lib/node_modules/npm");
  rmSync(npmModule, { recursive: true, force: true });
  cpSync(join(modules, "npm"), npmModule, { recursive: true, verbatimSymlinks: true });
  const npm = inside("/usr/local/bin/npm");
  rmSync(npm, { force: true });
  spawnSync("ln", ["-s", "../lib/node_modules/npm/bin/npm-cli.js", npm]);
  if (existsSync(CERTIFICATES)) cpSync(CERTIFICATES, inside(CERTIFICATES), { dereference: true });
}

/** The working tree in place of an earlier one, without what git ignores; what is built inside stays. */
function copyCheckout() {
  for (const folder of ["", "native"]) {
    if (!existsSync(inside(join(CHECKOUT, folder)))) continue;
    const old = readdirSync(inside(join(CHECKOUT, folder))).map((name) => join(folder, name));
    const gone = old.filter((path) => path !== "native" && !BUILT.includes(path));
    for (const path of gone) rmSync(inside(join(CHECKOUT, path)), { recursive: true });
  }
  const listed = spawnSync("git", ["ls-files", "-z", "--cached", "--others", "--exclude-standard"], { cwd: ROOT });
  if (listed.status !== 0) throw new SetupError("test:trixie copies what git lists: run it in a checkout of git");
  for (const path of listed.stdout.toString("utf8").split("\0").filter(Boolean)) {
    if (existsSync(join(ROOT, path))) cpSync(join(ROOT, path), inside(join(CHECKOUT, path)));
  }
}

const MOUNTS = [
  ["-t", "proc", "proc", "/proc"],
  ["--bind", "/sys", "/sys"],
  ["--bind", "/dev", "/dev"],
];

/** Runs a shell line in the checkout, shown as it goes, with /proc, /sys and /dev; says whether it succeeded. */
function show(line) {
  const mounts = MOUNTS.map(([...args]) => `mount ${[...args.slice(0, -1), inside(args.at(-1))].join(" ")}`);
  const env = { ...process.env, HOME: "/root", PATH: "/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", TMPDIR: "/tmp" };
  // In a mount namespace of its own: nothing is left mounted, however this ends.
  const command = `${mounts.join(" && ")} && chroot ${FOLDER} sh -c 'cd ${CHECKOUT} && ${line}'`;
  return spawnSync("unshare", ["--mount", "sh", "-c", command], { env, stdio: "inherit" }).status === 0;
}

try {
  await makeSystem();
  copyTools();
  await stage("the checkout", copyCheckout);
  const filters = process.argv.slice(2);
  const demo = filters.length > 0 || show("npm run demo");
  if (!demo) process.stdout.write("the demo failed\n");
  process.exitCode = show(["npm test --", ...filters].join(" ")) && demo ? 0 : 1;
} catch (error) {
  if (!(error instanceof SetupError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
