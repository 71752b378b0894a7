// Requests to a process that this one started, one at a time.
import type { ChildProcess, Serializable } from "node:child_process";

/**
 * Sends the request and waits for the next message.
 * @throws what `ended` makes, if the process ends first
 */
export async function askChild(
  child: ChildProcess,
  request: Serializable,
  ended: () => Error,
): Promise<unknown> {
  if (!child.connected) throw ended();
  let onMessage: (message: unknown) => void = () => undefined;
  let onExit: () => void = () => undefined;
  const response = new Promise<unknown>((resolve, reject) => {
    onMessage = resolve;
    onExit = () => {
      reject(ended());
    };
  });
  child.once("message", onMessage);
  child.once("exit", onExit);
  try {
    child.send(request);
    return await response;
  } finally {
    child.off("message", onMessage);
    child.off("exit", onExit);
  }
}
