import { describe, expect, it } from "vitest";
import { checkSystem, parseRelease } from "./system.ts";

describe("what is said of the operating system", () => {
  it("reads its name and version, quoted or not", () => {
    const debian = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n';
    expect(parseRelease(debian)).toEqual({ id: "debian", version: "12" });
    expect(parseRelease("ID=fedora\nVERSION_ID=43\nPLATFORM_ID=x\n")).toEqual({ id: "fedora", version: "43" });
    expect(parseRelease("")).toEqual({ id: "", version: "" });
  });

  it.each(["12", "13"])("calls Debian %s on x64 tested, and nothing else", (version) => {
    expect(checkSystem({ id: "debian", version, architecture: "x64" })).toMatchObject({ state: "ok", fix: null });
    expect(checkSystem({ id: "debian", version, architecture: "arm64" })).toMatchObject({ state: "absent" });
  });

  it.each([
    [{ id: "ubuntu", version: "24.04", architecture: "x64" }, "Ubuntu 24.04, x64", "apt-get install"],
    [{ id: "fedora", version: "43", architecture: "arm64" }, "Fedora 43, arm64", "dnf install"],
    [{ id: "darwin", version: "", architecture: "arm64" }, "macOS, arm64", "brew install"],
    [{ id: "alpine", version: "3.23", architecture: "x64" }, "alpine 3.23, x64", "C++17 compiler"],
  ])("says of %o that it is untested, and what it needs", (system, name, needed) => {
    const check = checkSystem(system);
    expect(check).toMatchObject({ name: "system", state: "absent", found: `${name}: untested` });
    expect(check.fix).toContain(needed);
    expect(check.fix).toContain("LIBTORCH=/path/to/libtorch npm run setup");
  });
});
