import type { Route } from "./route.ts";

/** The route that a path leads to. */
export interface RouteMatch {
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

/** Whether errors below a path have the form that the Open Inference Protocol gives them. */
export function isProtocolPath(path: string): boolean {
  return path === "/v2" || path.startsWith("/v2/");
}

/** Methods that a route answers to. */
export function methodsOf({ method }: Route): readonly string[] {
  return method === "GET" ? ["GET", "HEAD"] : [method];
}

/** One segment of a path: a text, or a parameter that has a name. */
type Segment = { readonly text: string } | { readonly param: string };

/** Finds the route of a path; one slash at its end does not matter. Null if there is none. */
export function routerOf(routes: readonly Route[]): (path: string) => RouteMatch | null {
  const templates = routes.map((route) => ({ route, template: route.path.split("/").map(segmentOf) }));
  return (path) => {
    const segments = path.replace(/(.)\/$/, "$1").split("/");
    for (const { route, template } of templates) {
      const params = paramsOf(template, segments);
      if (params !== null) return { route, params };
    }
    return null;
  };
}

function segmentOf(part: string): Segment {
  const param = /^\{(.+)\}$/.exec(part)?.[1];
  return param === undefined ? { text: part } : { param };
}

function paramsOf(template: readonly Segment[], segments: readonly string[]): Record<string, string> | null {
  if (template.length !== segments.length) return null;
  const params: Record<string, string> = {};
  for (const [i, part] of template.entries()) {
    const segment = segments[i] ?? "";
    if ("text" in part) {
      if (part.text !== segment) return null;
      continue;
    }
    const value = decoded(segment);
    if (value === null) return null;
    params[part.param] = value;
  }
  return params;
}

function decoded(segment: string): string | null {
  try {
    return decodeURIComponent(segment);
  } catch {
    return null;
  }
}
