// Finds TCP ports for servers, and says when a given one is taken.
import { createServer } from "node:net";
import { errorMessage } from "../../contract/error-message.ts";

// The system may hand out a port again before the server that it was found for has opened it.
const handedOut = new Set<number>();

/** The given port, or a free one when it is 0. Throws when the given port is taken. */
export async function choosePort(server: string, port: number, host: string): Promise<number> {
  if (port === 0) return findFreePort(host);
  try {
    return await tryPort(port, host);
  } catch (error) {
    throw new Error(
      `${server} cannot have port ${port} on ${host} (${errorMessage(error)}). ` +
        "End the program that uses it, or choose another port (0 finds a free one).",
      { cause: error },
    );
  }
}

/** A port that is not in use and that has not been found before. */
export async function findFreePort(host = "127.0.0.1"): Promise<number> {
  for (;;) {
    const port = await tryPort(0, host);
    if (handedOut.has(port)) continue;
    handedOut.add(port);
    return port;
  }
}

async function tryPort(port: number, host: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on("error", reject);
    probe.listen(port, host, () => {
      const address = probe.address();
      probe.close(() => {
        if (address !== null && typeof address === "object") resolve(address.port);
        else reject(new Error("the system did not name the port"));
      });
    });
  });
}
