import { describe, expect, it } from "vitest";
import { isProtocolPath, methodsOf, routerOf } from "./router.ts";
import { ROUTES } from "./routes/index.ts";

const find = routerOf(ROUTES);

/** The name and the parameters of the route of a path. */
function foundAt(path: string): readonly [string, object] | null {
  const match = find(path);
  return match === null ? null : [match.route.name, match.params];
}

describe("routerOf", () => {
  it("leads every route's own path to it, with a name and a path of its own, and one slash more", () => {
    for (const { name, path } of ROUTES) {
      const filled = path.replace(/\{(\w+)\}/g, (_, param: string) => `some-${param}`);
      const params = Object.fromEntries([...path.matchAll(/\{(\w+)\}/g)].map(([, param]) => [param, `some-${param}`]));
      expect(foundAt(filled)).toEqual([name, params]);
      expect(foundAt(`${filled}/`)).toEqual([name, params]);
      expect(foundAt(`${filled}//`)).toBeNull();
      expect(foundAt(`${filled}/more`)).not.toEqual([name, params]);
    }
    expect(new Set(ROUTES.map(({ name }) => name)).size).toBe(ROUTES.length);
  });

  it("decodes parameters, whole segments each, and knows no path that cannot be decoded", () => {
    expect(foundAt("/v2/models/a%2Fb%20c/ready")).toEqual(["modelReady", { name: "a/b c" }]);
    expect(foundAt("/v2/models/%E0%A4%A")).toBeNull();
    expect(foundAt("/v2/models/a/b/c/d")).toBeNull();
    expect(foundAt("/constructor")).toBeNull();
    expect(foundAt("/")).toBeNull();
    expect(foundAt("")).toBeNull();
  });
});

describe("isProtocolPath", () => {
  it("holds of /v2 and what is below", () => {
    expect(["/v2", "/v2/", "/v2/models/x", "/v2x", "/rank"].map(isProtocolPath)).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });
});

describe("methodsOf", () => {
  it("lets HEAD stand for GET", () => {
    for (const route of ROUTES) expect(methodsOf(route)).toEqual(route.method === "GET" ? ["GET", "HEAD"] : ["POST"]);
  });
});
