// The requests of customers: the newest leads of an account, and a visit by its key.
import { Agent, request } from "node:http";
import { Client, types } from "cassandra-driver";
import { accountId } from "../../examples/web-analytics/sample-data/accounts.ts";
import type { History } from "../../examples/web-analytics/sample-data/history.ts";
import { randomAt } from "../../examples/web-analytics/sample-data/random.ts";
import { visitKey } from "../../examples/web-analytics/sample-data/visits.ts";
import { CASSANDRA_DATA_CENTER } from "../../local/servers/cassandra.ts";

/** Sends a request; the same number always makes the same request. Rejects unless the response is right. */
export type SendRequest = (number: number) => Promise<void>;

const LEADS_PER_PAGE = 20;
const TIMEOUT_MILLIS = 30_000;

/** Searches for the newest leads of an account, as the list of leads does. */
export function searchLeads(address: string, history: History, seed: number): SendRequest {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  return (number) => {
    const account = accountId(history, randomAt(seed, "searches", number));
    const body = JSON.stringify({
      query: { bool: { filter: [{ term: { accountId: account } }] } },
      sort: [{ updatedAt: "desc" }],
      size: LEADS_PER_PAGE,
      track_total_hits: false,
    });
    return new Promise((resolve, reject) => {
      const sent = request(
        `${address}/leads/_search`,
        {
          agent,
          method: "POST",
          headers: {
            "content-type": "application/json",
            "content-length": Buffer.byteLength(body),
          },
          timeout: TIMEOUT_MILLIS,
        },
        (response) => {
          response.on("end", () => {
            if (response.statusCode === 200) resolve();
            else
              reject(new Error(`the search responded with ${response.statusCode ?? "no status"}`));
          });
          response.on("error", reject);
          response.resume();
        },
      );
      sent.on("timeout", () => sent.destroy(new Error("the search timed out")));
      sent.on("error", reject);
      sent.end(body);
    });
  };
}

const VISIT_QUERY =
  "SELECT * FROM tracking.visits WHERE account_id = ? AND day = ? AND visit_id = ?";

/** Reads a visit by its whole key, as the live view does. */
export async function readVisits(
  address: string,
  history: History,
  seed: number,
): Promise<SendRequest> {
  const client = new Client({
    contactPoints: [address],
    localDataCenter: CASSANDRA_DATA_CENTER,
    socketOptions: { readTimeout: TIMEOUT_MILLIS },
  });
  await client.connect();
  return async (number) => {
    const row = randomAt(seed, "reads", number).integer(0, history.rows.visits - 1);
    const key = visitKey(history, row, 0);
    const found = await client.execute(
      VISIT_QUERY,
      [key.accountId, types.LocalDate.fromString(key.day), types.TimeUuid.fromString(key.visitId)],
      { prepare: true },
    );
    if (found.rowLength !== 1) throw new Error(`there is no visit ${key.visitId}`);
  };
}
