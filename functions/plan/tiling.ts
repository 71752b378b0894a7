// Whether a pass's splits leave nothing of its window out: a pure check.
import { ProtocolError } from "../../contract/errors.ts";
import type { Bounds } from "../../contract/records.ts";

export interface Window {
  readonly from: string | null;
  readonly to: string;
}

/**
 * Splits must tile their window exactly and in order: a gap would lose rows, and the watermark counts on the order.
 * Token ranges must tile the ring, each for the whole window.
 * @throws ProtocolError showing the two bounds that do not meet
 */
export function checkTiling(table: string, window: Window, bounds: readonly Bounds[]): void {
  if (bounds.some(({ by }) => by === "token")) {
    checkRing(table, window, bounds);
    return;
  }
  let end = window.from;
  for (const bound of bounds) {
    if (bound.by !== "cursor" || bound.from !== end) {
      const comes = bound.by === "cursor" ? (bound.from ?? "the beginning") : JSON.stringify(bound);
      throw new ProtocolError(
        `splits of table ${table} do not tile its window: after ${end ?? "the beginning"} comes ${comes}`,
      );
    }
    end = bound.to;
  }
  if (end !== window.to) {
    throw new ProtocolError(
      `splits of table ${table} end at ${end ?? "nothing"}, but its window ends at ${window.to}`,
    );
  }
}

const SMALLEST_TOKEN = String(-(2n ** 63n));
const GREATEST_TOKEN = String(2n ** 63n - 1n);

function checkRing(table: string, window: Window, bounds: readonly Bounds[]): void {
  let end = SMALLEST_TOKEN;
  for (const bound of bounds) {
    const { from, to } =
      bound.by === "token" ? (bound.cursor ?? { from: null, to: window.to }) : {};
    if (bound.by !== "token" || bound.after !== end || from !== window.from || to !== window.to) {
      throw new ProtocolError(
        `splits of table ${table} do not tile the ring for the window ${JSON.stringify(window)}: ` +
          `after ${end} comes ${JSON.stringify(bound)}`,
      );
    }
    end = bound.upTo;
  }
  if (end !== GREATEST_TOKEN) {
    throw new ProtocolError(
      `splits of table ${table} end at the token ${end}, but the ring ends at ${GREATEST_TOKEN}`,
    );
  }
}
