import { DAY_MS } from "../base/units.ts";
import type { SurfaceConfig, WorldConfig } from "../config/world/world.ts";
import { Drift } from "./behaviour/drift.ts";
import { type Item, Pool } from "./behaviour/items.ts";
import { Minds } from "./behaviour/minds.ts";
import type { Probabilities } from "./behaviour/outcome.ts";
import { People } from "./behaviour/people.ts";
import { LoggingPolicy } from "./behaviour/policy.ts";
import { Response, type Showing } from "./behaviour/response.ts";
import { Tastes } from "./behaviour/tastes.ts";
import { Topics } from "./behaviour/topics.ts";
import { Traits } from "./behaviour/traits.ts";
import { ORACLE_COLUMNS, OracleAnswers } from "./oracles/oracles.ts";
import { Draws } from "./random.ts";
import { type Place, ROWS_PER_FILE, Rows } from "./rows.ts";

const HOUR_MS = 3_600_000;
/** Lives of items that pass before the first day, so that the log begins with items of every age. */
const EARLIER_LIVES = 3;
/** A session longer than this is ended: nobody scrolls for ever. @unit impressions */
const MAX_SESSION = 200;
/** Least time between two sessions of a person. @unit ms */
const PAUSE_MS = 60_000;
/** People open their apps more at weekends. */
const WEEKEND_FACTOR = 1.15;

interface Session {
  readonly user: number;
  readonly draws: Draws;
  readonly startMs: number;
}

/** One synthetic world as it goes on, day by day and session by session. */
export class World {
  readonly rows: Rows;
  readonly #config: WorldConfig;
  readonly #surfaces: readonly SurfaceConfig[];
  readonly #topics: Topics;
  readonly #people: People;
  readonly #tastes: Tastes;
  readonly #traits: Traits;
  readonly #drift: Drift;
  readonly #minds: Minds;
  readonly #response: Response;
  readonly #policy: LoggingPolicy;
  readonly #ads: Pool;
  readonly #posts: Pool;
  /** Null unless they are asked. */
  readonly #oracles: OracleAnswers | null;
  /** When each person's last session ended. @unit ms since 1970, UTC */
  readonly #lastEnd: Float64Array;
  #nextItem = 1;
  readonly #truth: Probabilities = {
    look: 0,
    clickGivenLook: 0,
    likeGivenLook: 0,
    commentGivenLook: 0,
    shareGivenLook: 0,
    conversionGivenClick: 0,
    conversionInWindowGivenClick: 0,
    delayMs: 0,
  };

  constructor(config: WorldConfig, { oracles = false }: { readonly oracles?: boolean } = {}) {
    this.#config = config;
    this.#surfaces = Object.values(config.surfaces);
    this.#topics = new Topics(config);
    this.#people = new People(config, this.#topics);
    this.#tastes = new Tastes(config, this.#people);
    this.#traits = new Traits(config);
    this.#drift = new Drift(config, this.#surfaces.length);
    this.#minds = new Minds(config, this.#people, this.#topics);
    this.#response = new Response(config);
    this.#policy = new LoggingPolicy(config, this.#topics);
    const surroundings = { topics: this.#topics, tastes: this.#tastes, traits: this.#traits };
    this.#ads = new Pool("ads", config, surroundings);
    this.#posts = new Pool("posts", config, surroundings);
    this.#oracles = oracles ? new OracleAnswers(this.#response, config.people.moodSpread) : null;
    this.#lastEnd = new Float64Array(config.users);
    this.rows = new Rows({ people: this.#people, traits: this.#traits }, config, oracles ? ORACLE_COLUMNS : 0);
    for (let user = 0; user < config.users; user++) {
      this.#minds.begin(user, config.firstDayMs, Draws.of(config.seed, "days", -1, user));
    }
    const lives = EARLIER_LIVES * Math.max(config.ads.lifeDays, config.posts.lifeDays);
    for (let day = -Math.ceil(lives); day < 0; day++) this.#renew(day);
  }

  /** Plays one day; yields whenever {@link rows} is full or the day ends: then the rows are to be taken and cleared. */
  *day(day: number): Generator<Rows> {
    this.#topics.advance(day);
    this.#drift.advance(day);
    this.#renew(day);
    for (const session of this.#sessions(day)) {
      if (this.rows.length + MAX_SESSION > ROWS_PER_FILE) yield this.rows;
      this.#play(session);
    }
    if (this.rows.length > 0) yield this.rows;
  }

  #renew(day: number): void {
    const dayMs = this.#config.firstDayMs + day * DAY_MS;
    for (const [index, pool] of [this.#ads, this.#posts].entries()) {
      pool.advance(dayMs, this.#nextItem, Draws.of(this.#config.seed, "items", index + 2, day));
      this.#nextItem += pool.perDay;
    }
  }

  /** The sessions of a day in the order of their beginnings. */
  #sessions(day: number): readonly Session[] {
    const { seed, firstDayMs, users } = this.#config;
    const dayMs = firstDayMs + day * DAY_MS;
    const weekday = new Date(dayMs).getUTCDay();
    const factor = weekday === 0 || weekday === 6 ? WEEKEND_FACTOR : 1;
    const sessions: Session[] = [];
    for (let user = 0; user < users; user++) {
      // What one person does draws from a stream of their own: it shifts nobody else's chances.
      const draws = Draws.of(seed, "days", day, user);
      const count = draws.poisson(factor * this.#people.activity[user]!);
      for (let i = 0; i < count; i++) {
        sessions.push({ user, draws, startMs: dayMs + Math.floor(this.#people.hourOf(user, draws) * HOUR_MS) });
      }
    }
    return sessions.sort((a, b) => a.startMs - b.startMs || a.user - b.user);
  }

  #play({ user, draws, startMs }: Session): void {
    const nowMs = Math.max(startMs, this.#lastEnd[user]! + PAUSE_MS);
    this.#minds.advance(user, nowMs, draws);
    const surfaces = this.#surfaces.length;
    const surface = draws.weighted(this.#people.surfaces.subarray(user * surfaces, (user + 1) * surfaces));
    const { sessionLength, adLoad } = this.#surfaces[surface]!;
    const length = Math.min(MAX_SESSION, 1 + Math.floor(draws.exponential(sessionLength - 0.5)));
    const mood = draws.around1(this.#config.people.moodSpread);
    const place = { user, surface, position: 0, nowMs };
    let isAd = false;
    for (; place.position < length; place.position++) {
      // Never two ads in a row, and a post first.
      isAd = !isAd && place.position > 0 && draws.chance(adLoad);
      this.#show(place, this.#policy.choose(user, (isAd ? this.#ads : this.#posts).active, draws), { mood, draws });
    }
    this.#lastEnd[user] = place.nowMs;
  }

  /** One impression; moves the time on to its end. */
  #show(place: Place, item: Item, { mood, draws }: { readonly mood: number; readonly draws: Draws }): void {
    const { user, surface, position, nowMs } = place;
    const people = this.#people;
    const reception = this.#minds.receive(user, item, nowMs);
    const showing: Showing = {
      item,
      reception,
      surface,
      position,
      nowMs,
      mood,
      age: people.age[user]!,
      device: people.device[user]!,
      clicks: people.clicks[user]!,
      likes: people.likes[user]!,
      trend: this.#topics.trend[item.first]!,
      quality: item.quality,
      appeal: item.appeal,
      taste: this.#tastes.factor(user, item.stylePart),
      affinity: this.#traits.factor(user, item.traits),
      level: this.#drift.level[surface]!,
    };
    this.#response.of(showing, this.#truth);
    const outcome = this.#response.draw(this.#truth, reception, draws);
    this.#oracles?.ask(showing, this.#minds.lastingInterest(user, item));
    this.rows.add(place, item, { outcome, truth: this.#truth, oracles: this.#oracles?.values });
    if (outcome.looked) this.#minds.look(user, item, { nowMs, reception, outcome });
    this.#policy.learn(user, item, outcome.liked || outcome.clicked);
    place.nowMs = nowMs + 400 + Math.round(1000 * outcome.dwell);
  }
}
