/** What one path answers to. */
export interface RouteFacts {
  /** `GET` answers `HEAD` too. */
  readonly method: "GET" | "POST";
  /** With parameters in braces, each one whole segment. */
  readonly path: string;
}

/** Every path of the server, by what it is for. */
export const ROUTES = {
  rank: { method: "POST", path: "/rank" },
  events: { method: "POST", path: "/events" },
  health: { method: "GET", path: "/health" },
  metrics: { method: "GET", path: "/metrics" },
  openApi: { method: "GET", path: "/openapi.json" },
  server: { method: "GET", path: "/v2" },
  live: { method: "GET", path: "/v2/health/live" },
  ready: { method: "GET", path: "/v2/health/ready" },
  model: { method: "GET", path: "/v2/models/{name}" },
  modelVersion: { method: "GET", path: "/v2/models/{name}/versions/{version}" },
  modelReady: { method: "GET", path: "/v2/models/{name}/ready" },
  modelVersionReady: { method: "GET", path: "/v2/models/{name}/versions/{version}/ready" },
  infer: { method: "POST", path: "/v2/models/{name}/infer" },
  inferVersion: { method: "POST", path: "/v2/models/{name}/versions/{version}/infer" },
  repositoryIndex: { method: "POST", path: "/v2/repository/index" },
  repositoryLoad: { method: "POST", path: "/v2/repository/models/{name}/load" },
} as const satisfies Readonly<Record<string, RouteFacts>>;

/** Name of a route. */
export type RouteName = keyof typeof ROUTES;

/** All routes with their names. */
export const ROUTE_LIST = Object.entries(ROUTES) as readonly (readonly [RouteName, RouteFacts])[];

/** The route that a path leads to. */
export interface RouteMatch {
  readonly name: RouteName;
  readonly params: Readonly<Record<string, string>>;
}

/** Whether errors below a path have the form that the Open Inference Protocol gives them. */
export function isProtocolPath(path: string): boolean {
  return path === "/v2" || path.startsWith("/v2/");
}

/** Finds the route of a path; one slash at its end does not matter. Null if there is none. */
export function findRoute(path: string): RouteMatch | null {
  const segments = path.replace(/(.)\/$/, "$1").split("/");
  for (const [name, route] of ROUTE_LIST) {
    const params = paramsOf(route.path.split("/"), segments);
    if (params !== null) return { name, params };
  }
  return null;
}

function paramsOf(template: readonly string[], segments: readonly string[]): Record<string, string> | null {
  if (template.length !== segments.length) return null;
  const params: Record<string, string> = {};
  for (const [i, part] of template.entries()) {
    const segment = segments[i] ?? "";
    const param = /^\{(.+)\}$/.exec(part)?.[1];
    const value = param === undefined ? segment : decoded(segment);
    if (value === null || (param === undefined && value !== part)) return null;
    if (param !== undefined) params[param] = value;
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
