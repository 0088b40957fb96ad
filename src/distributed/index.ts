/** Several processes that train one model. */
export { type LaunchOptions, type LaunchOutcome, launch, type OutputLine } from "./launch.ts";
export { type MeshAxis, ProcessMesh, type RowGradient } from "./mesh.ts";
