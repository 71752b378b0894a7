// `sluice query "SQL"`: queries the warehouse.
import { readArguments, UsageError } from "../arguments.ts";
import { chooseConnection } from "../choose-connection.ts";
import { COMMANDS } from "../commands.ts";
import { formatTable, Output } from "../output.ts";
import { answerJson, answerTexts, queryWarehouse } from "../warehouse.ts";

export async function query(args: string[]): Promise<number> {
  const { values, positionals } = readArguments({
    args,
    options: COMMANDS.query.options,
    allowPositionals: true,
  });
  const [sql, ...more] = positionals;
  if (sql === undefined || more.length > 0) {
    throw new UsageError(
      'query needs one statement: sluice query "select count(*) from mart.companies"',
    );
  }
  const output = new Output({ json: values.json ?? false });
  const answer = await queryWarehouse(await chooseConnection(values.deployed), sql);
  if (answer.columns.length > 0) {
    output.line(
      formatTable(
        answer.columns,
        answerTexts(answer).map((row) => row.map((text) => text ?? "∅")),
      ),
    );
  }
  output.line(`${String(answer.rows.length)} rows`);
  output.result(answerJson(answer));
  return 0;
}
