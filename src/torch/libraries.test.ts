import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import "./native.ts";

it("no library of images or films is loaded with libtorch, which names them and uses none", () => {
  const loaded = new Set(readFileSync("/proc/self/maps", "utf8").match(/\/\S+\.so[.\d]*$/gm));
  expect([...loaded].filter((path) => path.includes("/libtorch_cpu"))).toHaveLength(1);
  const unwanted = [...loaded].filter((path) => /\/lib(opencv_|avcodec|avformat|Qt|gdal)/.test(path));
  expect(unwanted.filter((path) => !path.includes("/native/build/unused/"))).toEqual([]);
});
