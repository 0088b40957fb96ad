/** Serving: online stores, the ranker, and how a model is replaced. Never loads libtorch. */

export { RankingServer, type ServerOptions } from "./http/server.ts";
export { type BundlePlace, ModelRepository, type ModelState } from "./models/model-repository.ts";
export type { ServingOptions } from "./ranker/open-scorer.ts";
export { type Candidate, type Ranked, type Ranking, type RankRequest, rank } from "./ranker/rank.ts";
export { type ServedModel, versionOf } from "./ranker/served-model.ts";
export type { AppendCounts, OnlineStore, PastQuery, ReportedEvent, UserPast } from "./store/online-store.ts";
export { openOnlineStore, STORE_KINDS, type StoreAddress } from "./store/open-store.ts";
export { placeOf } from "./store/user-pages.ts";
