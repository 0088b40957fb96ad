/** A command line whose only command never ends by itself, whatever its signal says. */
import { defineCommand } from "../../src/cli/command.ts";
import { main } from "../../src/cli/run.ts";

const stubborn = defineCommand({
  name: "stubborn",
  summary: "waits for ever",
  options: {},
  readsProject: false,
  example: "lapidary stubborn",
  resume: "",
  run: ({ say }) => {
    say("begun");
    return new Promise(() => setInterval(() => {}, 1000));
  },
});

await main([stubborn], process.argv.slice(2));
