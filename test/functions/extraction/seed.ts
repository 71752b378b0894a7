// What a plain test run leaves to chance, made repeatable by a seed that is printed.

/** True if all cases are wanted, not a sample. */
export const isWhole = (): boolean => process.env.SLUICE_TEST_ALL === "1";

const chosen = Number(process.env.SLUICE_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));

/** `SLUICE_TEST_SEED`, or a number of this process. */
export const seed = (): number => chosen;

/** Numbers in [0, 1) that depend on the seed alone (mulberry32). */
function randomFrom(start: number): () => number {
  let state = start;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function shuffled<T>(items: readonly T[], start: number): T[] {
  const random = randomFrom(start);
  return items
    .map((item) => ({ item, rank: random() }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}
