/** What a linear map is followed by; GELU with erf. */
export type Activation = "none" | "relu" | "gelu" | "silu";
