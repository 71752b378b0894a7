// Decides which deltas bring a warehouse table from what it holds to what the lake holds.
import type { Delta } from "../../contract/delta.ts";

/** A longer way back is dearer than copying the whole table. */
const MAX_DELTAS = 500;

export type DeltaDecision =
  | { readonly do: "nothing" }
  /** One more delta must be read before it can be decided. */
  | { readonly do: "read"; readonly snapshot: string }
  | { readonly do: "apply"; readonly deltas: readonly [Delta, ...Delta[]] }
  | ({ readonly do: "request-replace" } & Gap);

/** Why deltas do not lead on from what the warehouse holds, so that only a whole copy can. */
export interface Gap {
  readonly cause: "broken-chain" | "unreadable-delta" | "incompatible-columns";
  readonly reason: string;
}

/** A delta that is there and can't be understood. */
export interface Unreadable {
  readonly unreadable: string;
}

/** True if the delta holds the whole table, so that it does not matter what the target held before. */
export function isWhole(delta: Delta): boolean {
  return delta.kind === "replace" || delta.parent === null;
}

/**
 * Walks from the lake's current content back by `parent` to what the target holds, or to a delta that holds the whole
 * table, and says which deltas to apply, first one first.
 *
 * @param current the lake's content id
 * @param applied the content id that the target holds, or null if it holds nothing or nobody knows what
 * @param known deltas read so far by their snapshot; null is a delta that does not exist
 */
export function decideDeltas(
  current: string,
  applied: string | null,
  known: ReadonlyMap<string, Delta | Unreadable | null>,
): DeltaDecision {
  const newestFirst: Delta[] = [];
  const seen = new Set<string>();
  for (let at = current; at !== applied;) {
    const delta = known.get(at);
    if (delta === undefined) return { do: "read", snapshot: at };
    if (delta === null) return brokenChain(`no delta for ${at}`);
    if ("unreadable" in delta) {
      return { do: "request-replace", cause: "unreadable-delta", reason: delta.unreadable };
    }
    if (seen.has(at)) return brokenChain(`deltas go round at ${at}`);
    seen.add(at);
    newestFirst.push(delta);
    if (isWhole(delta) || delta.parent === null) break;
    if (newestFirst.length === MAX_DELTAS) return brokenChain(`more than ${MAX_DELTAS} deltas`);
    at = delta.parent;
  }
  const [first, ...rest] = newestFirst.reverse();
  return first === undefined ? { do: "nothing" } : { do: "apply", deltas: [first, ...rest] };
}

function brokenChain(reason: string): DeltaDecision {
  return { do: "request-replace", cause: "broken-chain", reason };
}
