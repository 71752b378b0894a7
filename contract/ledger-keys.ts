// Where everything stands in the ledger: the keys of its items.

/** The primary key of an item. A type, not an interface, so that it passes as a record of attributes. */
// eslint-disable-next-line @typescript-eslint/consistent-type-definitions
export type ItemKey = { readonly pk: string; readonly sk: string };

// Ten digits sort as text in the order of their numbers.
const sortable = (number: number): string => String(number).padStart(10, "0");

const ofTable = (table: string, sk: string): ItemKey => ({ pk: `table#${table}`, sk });
const ofSource = (source: string, sk: string): ItemKey => ({ pk: `source#${source}`, sk });

export const itemKeys = {
  lease: (table: string): ItemKey => ofTable(table, "lease"),
  progress: (table: string): ItemKey => ofTable(table, "progress"),
  /** With an empty `split`: how the keys of all splits of the pass begin. */
  split: (table: string, pass: string, split: string): ItemKey =>
    ofTable(table, `split#${pass}#${split}`),
  object: (table: string, pass: string, split: string, sequence: number): ItemKey =>
    ofTable(table, `object#${pass}#${split}#${sortable(sequence)}`),
  /** A key after those of all objects of a split. */
  objectsEnd: (table: string, pass: string, split: string): ItemKey =>
    ofTable(table, `object#${pass}#${split}#:`),
  manifest: (table: string, number: number): ItemKey =>
    ofTable(table, `manifest#${sortable(number)}`),
  /** The request for a table's whole copy. */
  replace: (table: string): ItemKey => ofTable(table, "replace"),
  /** A load that failed. */
  load: (table: string): ItemKey => ofTable(table, "load"),
  lane: (source: string, lane: number): ItemKey => ofSource(source, `lane#${lane}`),
  /** How the keys of all of a source's lanes begin. */
  lanes: (source: string): ItemKey => ofSource(source, "lane#"),
  /** @param idHash the SHA-256 of the thing's id in hex: an id may be longer than a key can be */
  openResource: (source: string, idHash: string): ItemKey => ofSource(source, `pit#${idHash}`),
  openResources: (source: string): ItemKey => ofSource(source, "pit#"),
  reading: (source: string, lane: number): ItemKey => ofSource(source, `reading#${lane}`),
  readings: (source: string): ItemKey => ofSource(source, "reading#"),
  sourcePause: (source: string): ItemKey => ofSource(source, "pause"),
  run: (startedAt: string, run: string): ItemKey => ({ pk: "run", sk: `${startedAt}#${run}` }),
} as const;
