import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { temporaryFolder } from "../events.test.support.ts";
import { Workspace } from "./workspace.ts";

describe("a stage", () => {
  it("that fails tells what failed, where the engine has ended its transaction already", async () => {
    using folder = temporaryFolder();
    const workspace = await Workspace.open({ folder: join(folder.path, "work") }, "f");
    const failed = workspace.stage("rows", async () => {
      await workspace.connection.run("ROLLBACK");
      throw new Error("no room");
    });
    await expect(failed).rejects.toThrow("no room");
    expect(workspace.isDone("rows")).toBe(false);
    workspace.remove();
  });
});
