import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import "./native.ts";

it("no library of images or films is loaded with libtorch, which names them and uses none", () => {
  const loaded = new Set(readFileSync("/proc/self/maps", "utf8").match(/\/\S+\.so[.\d]*$/gm));
  expect([...loaded].filter((path) => path.includes("/libtorch_cpu"))).toHaveLength(1);
  const unwanted = [...loaded].filter((path) => /\/lib(opencv_|avcodec|avformat|Qt|gdal)/.test(path));
  expect(unwanted.filter((path) => !path.includes("/native/build/unused/"))).toEqual([]);
});

it.each([
  ["bistro", "bistro"],
  [undefined, "none"],
])("UCX is told to leave the memory alone, unless the user says otherwise: %s", (given, expected) => {
  const { UCX_MEM_MMAP_HOOK_MODE: _, ...env } = process.env;
  const script = `await import(${JSON.stringify(new URL("./native.js", import.meta.url).href)});
    process.stdout.write(String(process.env.UCX_MEM_MMAP_HOOK_MODE));`;
  const said = execFileSync(process.execPath, ["--input-type=module", "--eval", script], {
    env: given === undefined ? env : { ...env, UCX_MEM_MMAP_HOOK_MODE: given },
    encoding: "utf8",
  });
  expect(said).toBe(expected);
});
