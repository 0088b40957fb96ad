import Type from "typebox";
import { openApiDocument } from "../openapi.ts";
import { defineRoute } from "../route.ts";

/** The description of all routes. */
export const OPEN_API = defineRoute({
  name: "openApi",
  method: "GET",
  path: "/openapi.json",
  summary: "This document",
  answer: Type.Object({}),
  handle: async (_, { routes, models }) => {
    return {
      json: openApiDocument(
        routes,
        models.hosts.map(({ current }) => current),
      ),
    };
  },
});
