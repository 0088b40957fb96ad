/** Several processes that train one model. */
export { type LaunchOptions, launch, type OutputLine } from "./launch.ts";
export { type MeshAxis, ProcessMesh, type RowGradient } from "./mesh.ts";
