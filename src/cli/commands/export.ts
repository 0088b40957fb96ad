import { defineCommand } from "../command.ts";
import { text } from "../option.ts";

/** `lapidary export RUN`: publishes a finished run as a bundle that serving loads. */
export const exportRun = defineCommand({
  name: "export",
  summary: "publishes a finished run as a bundle: ONNX and a manifest",
  description:
    "Traces the model of a run into ONNX and publishes it with its schema, dictionaries, lineage, metrics and the " +
    "SHA-256 of every file. Nothing is published if ONNX Runtime's probabilities on recorded examples differ from " +
    "libtorch's by more than 1e-5, relative. A server that has the bundle loads the new version when it is told to.",
  args: [{ name: "RUN", description: "name of a finished run, or path of its folder", required: true }],
  options: {
    out: text("DIR", "folder of the bundle (default: bundles/NAME, by the model's name)"),
  },
  readsProject: true,
  example: "lapidary export vertical-full --out bundles/vertical",
  resume: "Run `lapidary export` again: what was published before is as it was.",
  run: async ({ args: [run = ""], options: { out }, signal, loadProject, say }) => {
    const project = await loadProject();
    const { publishRun } = await import("../../publish/index.ts");
    signal.throwIfAborted();
    say(`tracing ${run}, and trying it on recorded examples`);
    const published = await publishRun(project, { run, ...(out === null ? {} : { dir: out }) });
    const { bundle, folder, model, graphBytes, examples, difference } = published;
    const lines = [
      `${model}: ${(graphBytes / 2 ** 20).toFixed(1)} MiB of ONNX; largest relative difference to libtorch on ` +
        `${examples.toLocaleString("en")} recorded examples ${difference.toExponential(1)}`,
      `version: ${folder}`,
      `serve it: lapidary serve --bundle ${bundle}`,
    ];
    return { result: published, text: lines.join("\n") };
  },
});
