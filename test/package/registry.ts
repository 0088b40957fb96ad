/** A registry on this machine that has what the checkout has installed, so that an installation needs no network. */
import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { ROOT } from "../cli/lapidary.ts";

/** A package of package-lock.json. */
interface Locked {
  readonly version: string;
}

/** By name, the versions that are locked and the path of each in the checkout. */
function lockedPackages(): ReadonlyMap<string, ReadonlyMap<string, readonly [path: string, locked: Locked]>> {
  const text = readFileSync(join(ROOT, "package-lock.json"), "utf8");
  const { packages } = JSON.parse(text) as { packages: Readonly<Record<string, Locked>> };
  const byName = new Map<string, Map<string, readonly [string, Locked]>>();
  for (const [path, locked] of Object.entries(packages)) {
    const name = path.split("node_modules/").at(-1) ?? "";
    if (name === "") continue;
    const versions = byName.get(name) ?? new Map<string, readonly [string, Locked]>();
    byName.set(name, versions.set(locked.version, [path, locked]));
  }
  return byName;
}

/** Serves the locked packages until it is closed. What is asked of it beyond them is not found. */
export async function startRegistry(): Promise<AsyncDisposable & { readonly url: string }> {
  const packages = lockedPackages();
  const server = createServer((request, response) => {
    const [name = "", version] = decodeURIComponent(request.url?.slice(1) ?? "").split("/-/");
    const versions = packages.get(name);
    const path = version === undefined ? undefined : versions?.get(version)?.[0];
    if (path !== undefined && existsSync(join(ROOT, path))) {
      const args = ["-c", "--transform", "s,^\\.,package,", "-C", join(ROOT, path), "."];
      response.end(execFileSync("tar", args, { maxBuffer: 2 ** 30 }));
    } else if (versions !== undefined && version === undefined) {
      response.setHeader("content-type", "application/json").end(JSON.stringify(describe(name, versions.values())));
    } else response.writeHead(404).end();
  });
  const url = () => `http://127.0.0.1:${(server.address() as AddressInfo).port}`;

  /** What a registry says of a package. */
  function describe(name: string, all: Iterable<readonly [string, Locked]>): object {
    const versions = [...all].map(([, locked]) => [
      locked.version,
      // No integrity: the bytes of this archive are not the published ones.
      { ...locked, integrity: undefined, name, dist: { tarball: `${url()}/${name}/-/${locked.version}` } },
    ]);
    return { name, "dist-tags": { latest: versions.at(-1)?.[0] }, versions: Object.fromEntries(versions) };
  }

  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: url(),
    [Symbol.asyncDispose]: () => new Promise<void>((resolve) => server.close(() => resolve())),
  };
}
