import { outputWidth } from "../../features/objectives.ts";
import type { Batch, CategoryFeature, FeatureSpec } from "../../features/spec.ts";
import { type Initializer, Mlp } from "../../nn/index.ts";
import { cat, type Tensor } from "../../torch/index.ts";
import { biasesOf } from "../heads/task-heads.ts";
import { toDevice } from "../inputs/content-maps.ts";
import { columnsOf, embedColumns, type Tables } from "../inputs/embed-columns.ts";
import { initTables } from "../inputs/embeddings.ts";
import type { Model } from "../model.ts";
import type { Sizes } from "../sizes.ts";

/** Codes up to which a category is context, such as the surface or the hour, and not an id to be learned by heart. */
const CONTEXT_CODES = 64;

/**
 * The net of counting features: `z = MLP([numbers ∥ e_1 ∥ … ∥ e_F])` over the dense inputs, counters among them, and the
 * categories of few codes. It has no ids and no history: what it knows of a user or an item, counters say.
 *
 * @shape numbers [B, N], e_f [B, D] → z [B, W]
 */
export class CountersModel implements Model {
  readonly tables: Tables;
  readonly mlp: Mlp;
  readonly spec: FeatureSpec;

  constructor(spec: FeatureSpec, parts: { tables: Tables; mlp: Mlp }) {
    this.spec = spec;
    this.tables = parts.tables;
    this.mlp = parts.mlp;
  }

  static init(spec: FeatureSpec, { dim, hidden, layers }: Sizes, initial: Initializer): CountersModel {
    const context = contextOf(spec);
    const tables = initTables(context, dim, initial);
    const widths = Array.from({ length: layers }, () => hidden).flat();
    const config = { in: spec.numbers.length + context.length * dim, hidden: widths, out: outputWidth(spec) };
    return new CountersModel(spec, { tables, mlp: Mlp.init(config, initial) });
  }

  logits(batch: Batch): Tensor {
    const { spec, tables, mlp } = this;
    const numbers = toDevice(batch.numbers, [batch.size, spec.numbers.length], mlp.layers[0]!.weight);
    const columns = columnsOf(contextOf(spec), { ...batch.contextual, ...batch.candidate });
    return mlp.apply(cat([numbers, ...embedColumns(tables, columns)], 1));
  }

  outputBiases(): readonly Tensor[] {
    return biasesOf([this.mlp.layers.at(-1)]);
  }
}

function contextOf({ contextual, candidate }: FeatureSpec): readonly CategoryFeature[] {
  return [...contextual, ...candidate].filter(({ cardinality }) => cardinality <= CONTEXT_CODES);
}
