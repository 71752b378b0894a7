// Asks a PostgreSQL server whether it lets a user into a database, in its own protocol.
import { connect } from "node:net";

const PROTOCOL_VERSION = 0x0003_0000;
const TYPE_AND_LENGTH_BYTES = 5;
const TIMEOUT_MILLISECONDS = 3000;

/** Where to ask. */
export interface PostgresTarget {
  host: string;
  port: number;
  user: string;
  database: string;
}

/**
 * True when the server has let the user in and waits for a query. Throws when there is no response,
 * or with the server's own message when it rejects the connection.
 */
export async function acceptsConnections(target: PostgresTarget): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(target.port, target.host);
    let received = Buffer.alloc(0);
    socket.setTimeout(TIMEOUT_MILLISECONDS, () => socket.destroy(new Error("it does not respond")));
    socket.on("connect", () => socket.write(startupMessage(target)));
    socket.on("error", reject);
    socket.on("close", () => {
      reject(new Error("it closed the connection"));
    });
    socket.on("data", (bytes) => {
      received = Buffer.concat([received, bytes]);
      for (const { type, body } of messages(received)) {
        if (type === "Z") {
          resolve(true);
          socket.end(terminateMessage());
        } else if (type === "E") {
          socket.destroy(new Error(errorText(body)));
        }
      }
    });
  });
}

function startupMessage({ user, database }: PostgresTarget): Buffer {
  const parameters = Buffer.from(`user\0${user}\0database\0${database}\0\0`);
  const head = Buffer.alloc(8);
  head.writeInt32BE(head.length + parameters.length, 0);
  head.writeInt32BE(PROTOCOL_VERSION, 4);
  return Buffer.concat([head, parameters]);
}

function terminateMessage(): Buffer {
  return Buffer.from([0x58, 0, 0, 0, 4]);
}

// The length counts itself but not the type before it.
function messages(bytes: Buffer): { type: string; body: Buffer }[] {
  const found: { type: string; body: Buffer }[] = [];
  for (let at = 0; at + TYPE_AND_LENGTH_BYTES <= bytes.length;) {
    const end = at + 1 + bytes.readInt32BE(at + 1);
    if (end > bytes.length) break;
    const type = String.fromCharCode(bytes.readUInt8(at));
    found.push({ type, body: bytes.subarray(at + TYPE_AND_LENGTH_BYTES, end) });
    at = end;
  }
  return found;
}

// An error is a list of fields, each with a letter for its kind; M is the message.
function errorText(body: Buffer): string {
  const fields = body.toString("utf8").split("\0");
  return (
    fields.find((field) => field.startsWith("M"))?.slice(1) ??
    "it rejected the connection without a reason"
  );
}
