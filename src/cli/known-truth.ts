import type { ProjectConfig } from "../config/project.ts";
import type { KnownScores } from "../evaluate/index.ts";

/**
 * The true probabilities of a synthetic world, as an option of evaluations; none for a log of one's own, which needs
 * nothing of what reads them: a query engine takes longer to load than an evaluation of a small log.
 */
export async function knownTruth(project: ProjectConfig): Promise<{ readonly known?: KnownScores }> {
  if (project.world === null) return {};
  const { trueScores } = await import("../simulate/index.ts");
  return { known: trueScores(project.world, project) };
}
