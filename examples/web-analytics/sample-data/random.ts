// Numbers that look random and depend on nothing but a seed and a place, so that any row can be made again alone.

/** What the generator draws from; each draw moves it on. */
export interface Random {
  /** In [0, 1). */
  unit(): number;
  /** A whole number from `least` to `most`, both included. */
  integer(least: number, most: number): number;
  chance(probability: number): boolean;
  pick<Item>(items: readonly [Item, ...Item[]]): Item;
}

/**
 * Mulberry32 by Tommy Ettinger (public domain), begun at a hash of the place: `randomAt(seed, "visits", 17, 2)` draws the
 * same numbers in every process.
 */
export function randomAt(seed: number, stream: string, ...place: readonly number[]): Random {
  let state = mixed(seed >>> 0);
  for (let at = 0; at < stream.length; at++) state = mixed(state ^ stream.charCodeAt(at));
  for (const number of place) state = mixed(state ^ mixed(number >>> 0));
  const unit = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
  return {
    unit,
    integer: (least, most) => least + Math.floor(unit() * (most - least + 1)),
    chance: (probability) => unit() < probability,
    pick: (items) => items[Math.floor(unit() * items.length)] ?? items[0],
  };
}

/** The finaliser of MurmurHash3 over the next number of the sequence, so that neighbours have nothing in common. */
function mixed(value: number): number {
  let hash = (value + 0x9e3779b9) >>> 0;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}
