/**
 * Our operators by the wing that each lives in, here and below `native/kernels`. `npm run generate` writes a typed wrapper
 * for each from the schema that the native part registers; a test fails when list and wrappers differ.
 */
export const WINGS = {
  jagged: ["lapidary::segment_sum", "lapidary::segment_max"],
  attention: ["lapidary::jagged_attention"],
  tables: [
    "lapidary::tables_pool",
    "lapidary::tables_linear",
    "lapidary::tables_attention",
    "lapidary::tables_adagrad_",
    "lapidary::to_rows",
    "lapidary::from_rows",
  ],
  history: ["lapidary::history_gather_"],
  fused: [
    "lapidary::norm",
    "lapidary::residual_norm",
    "lapidary::gated",
    "lapidary::bias_activation",
    "lapidary::dense",
    "lapidary::token_map",
    "lapidary::token_products",
    "lapidary::adamw_",
    "lapidary::masked_log_loss",
    "lapidary::float8_encode",
    "lapidary::float8_decode",
  ],
} as const;

/** A folder of operators. */
export type Wing = keyof typeof WINGS;
/** The registered name of one of our operators: tests have a case of each. @internal */
export type OurOperator = (typeof WINGS)[Wing][number];

/** The names of the wings. */
export const WING_NAMES = Object.keys(WINGS) as readonly Wing[];
