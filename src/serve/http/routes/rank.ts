import type { BundleManifest } from "../../../bundle/index.ts";
import type { RawFacts } from "../../../features/events/raw-event.ts";
import { type Objective, objectivesOf } from "../../../features/objectives.ts";
import type { ApiFacts } from "../../ranker/api-facts.ts";
import { type Candidate, type RankRequest, rank } from "../../ranker/rank.ts";
import { WARNING_CODES, warningsOf } from "../../ranker/warnings.ts";
import { parseFacts } from "../body.ts";
import { modelOfBody } from "../named-model.ts";
import { type BodyDoc, type DescribedModel, defineRoute } from "../route.ts";
import { exampleFacts, factProperties, factsAt } from "../values/facts.ts";
import { ID_SCHEMA, idAt } from "../values/ids.ts";
import { REQUEST_LIMITS } from "../values/limits.ts";
import { wrong } from "../values/problems.ts";
import {
  COUNT,
  type Json,
  type JsonSchema,
  listAt,
  objectAt,
  objectSchema,
  strictObjectSchema,
  TEXT,
} from "../values/shapes.ts";
import { exampleTime, timeAt, timeSchema } from "../values/times.ts";

/** Worth of one outcome. */
const BID = { minimum: 0, maximum: 1e15 } as const;
const KEYS = ["model", "user", "time", "objective", "context", "candidates"] as const;

/** Orders candidates for a user. */
export const RANK = defineRoute({
  name: "rank",
  method: "POST",
  path: "/rank",
  summary: "Orders candidates for a user, the most valuable first",
  request: rankBody,
  answer: ({ name, manifest }) => rankingSchema(name, manifest),
  handle: async ({ body }, { models, store, metrics }) => {
    const parsed = parseFacts(await body());
    const host = modelOfBody(models, objectAt(parsed, "body", KEYS)["model"]);
    return host.use(async (model) => {
      const request = parseRank(parsed, model.facts, Date.now());
      const ranking = await rank(request, model, store);
      const warnings = warningsOf(request, model);
      const { name } = model;
      metrics.countCandidates({ model: name, api: "rank" }, request.candidates.length);
      metrics.countWarnings(name, warnings);
      return { json: { model: name, ...ranking, warnings } };
    });
  },
});

/**
 * The body of `POST /rank`, but for the model that it names. `nowMs` is its time if it has none.
 *
 * @throws {LapidaryError} SERVE_REQUEST, SERVE_LIMIT, EVENT_* as the rules of events say
 */
export function parseRank(body: unknown, facts: ApiFacts, nowMs: number): RankRequest {
  const { objectives, rules } = facts;
  const request = objectAt(body, "body", KEYS);
  const objective = request["objective"] === undefined ? objectives[0] : request["objective"];
  if (typeof objective !== "string" || !objectives.includes(objective)) {
    throw wrong("objective", `one of ${objectives.join(", ")}`, objective);
  }
  const contextFacts =
    request["context"] === undefined ? {} : factsAt(request["context"], "context", { kinds: facts.rankKinds });
  const context = { ...shownConstants(facts), ...contextFacts };
  checkSurface(context, facts);
  const candidates = listAt(request["candidates"], "candidates", REQUEST_LIMITS.candidates);
  return {
    user: request["user"] === undefined ? null : idAt(request["user"], "user"),
    timeMs: request["time"] === undefined ? nowMs : timeAt(request["time"], "time", rules),
    context,
    candidates: candidates.map((each, i) => candidateAt(each, `candidates[${i}]`, facts)),
    objective,
  };
}

/** What the log says of every event, as far as it is known of a candidate. */
function shownConstants({ rules, rankKinds: kinds }: ApiFacts): RawFacts {
  return Object.fromEntries(Object.entries(rules.constants).filter(([name]) => kinds.has(name)));
}

function candidateAt(value: unknown, where: string, { objectives, rankKinds: kinds }: ApiFacts): Candidate {
  const facts = factsAt(value, where, { kinds, others: ["bids"] });
  const { bids } = value as Json;
  return { facts, bids: bids === undefined ? null : bidsAt(bids, `${where}.bids`, objectives) };
}

/** A model of one surface has learned nothing of the others. */
function checkSurface({ surface: name }: RawFacts, { surface }: ApiFacts): void {
  if (surface !== null && name !== surface) throw wrong("context.surface", surface, name);
}

function bidsAt(value: unknown, where: string, objectives: readonly string[]): Readonly<Record<string, number>> {
  const bids = objectAt(value, where, objectives);
  for (const [name, bid] of Object.entries(bids)) {
    if (typeof bid !== "number" || !(bid >= BID.minimum && bid <= BID.maximum))
      throw wrong(`${where}.${name}`, "a number from 0 to 1e15", bid);
  }
  return bids as Readonly<Record<string, number>>;
}

/** What {@link parseRank} takes. */
function rankBody({ name, facts }: DescribedModel): BodyDoc {
  const { rankKinds: kinds, objectives, rules, surface } = facts;
  const bids = objectSchema(Object.fromEntries(objectives.map((each) => [each, { type: "number", ...BID }])), []);
  const candidate = objectSchema({ ...factProperties(kinds), bids }, []);
  const schema = objectSchema(
    {
      model: { const: name, description: "Who ranks; it may be left out where one model serves." },
      user: { ...ID_SCHEMA, description: "Whose history is read; none if it is left out." },
      time: timeSchema(rules, " Now if it is left out."),
      objective: { enum: objectives, default: objectives[0], description: "Orders the candidates without bids." },
      context: objectSchema(factProperties(kinds), []),
      candidates: { type: "array", items: candidate, minItems: 1, maxItems: REQUEST_LIMITS.candidates },
    },
    ["candidates"],
  );
  const [first = {}, second = {}] = [1, 2].map((seed) => exampleFacts(kinds, seed));
  const { item: _, ...known } = first;
  const context = surface === null ? known : { ...known, surface };
  const worth = Object.fromEntries(objectives.map((each, i) => [each, i + 1]));
  const candidates = [{ ...first, bids: worth }, second];
  const time = exampleTime(rules, 1_700_000_000_000);
  return { schema, example: { model: name, user: "u1", time, context, candidates } };
}

const WARNING = strictObjectSchema({
  code: {
    enum: Object.keys(WARNING_CODES),
    description: Object.entries(WARNING_CODES)
      .map(([code, meaning]) => `${code}: ${meaning}.`)
      .join(" "),
  },
  where: { ...TEXT, description: "The first place of the request that it holds of." },
  got: TEXT,
  count: { ...COUNT, description: "Candidates of which it holds." },
});

/** The answer of one model. */
function rankingSchema(name: string, { spec }: BundleManifest): JsonSchema {
  const probability = { type: "number", minimum: 0, maximum: 1 };
  const amount = { type: "number", minimum: 0 };
  const objectives = objectivesOf(spec);
  const named = (objectives: readonly Objective[], schema: JsonSchema): JsonSchema =>
    strictObjectSchema(Object.fromEntries(objectives.map((each) => [each.name, schema])));
  const amounts = objectives.filter(({ kind }) => kind !== "binary");
  const description = "Expected amounts and counts.";
  const ranked = strictObjectSchema({
    index: { ...COUNT, description: "Place among the request's candidates, from 0." },
    probabilities: named(
      objectives.filter(({ kind }) => kind === "binary"),
      probability,
    ),
    ...(amounts.length === 0 ? {} : { expected: { ...named(amounts, amount), description } }),
    expectedValue: {
      type: "number",
      description: `Sum of bid · probability${amounts.length === 0 ? "" : ", expected amount or count"}.`,
    },
  });
  const numPast = { ...COUNT, description: "Past events of the user, those that the model does not read included." };
  const list = (items: JsonSchema): JsonSchema => ({ type: "array", items });
  return strictObjectSchema({
    model: { const: name },
    version: TEXT,
    numPast,
    ranked: list(ranked),
    warnings: list(WARNING),
  });
}
