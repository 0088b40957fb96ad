import { DuckDBInstance } from "@duckdb/node-api";
import { messageOf } from "../../../base/message.ts";

// Keeps the rows of a query in the folder that its paths start at, answers null or what is wrong with it, and ends.
process.once("disconnect", () => process.exit());
process.once("message", async (statements: readonly string[]) => {
  process.send?.(await failureOf(statements), () => process.exit());
});

async function failureOf(statements: readonly string[]): Promise<string | null> {
  try {
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    for (const statement of statements) await connection.run(statement);
    return null;
  } catch (error) {
    return messageOf(error);
  }
}
