// Finds in a V8 CPU profile where a process's main thread spent its time.
import { z } from "zod";

export const cpuProfileSchema = z.looseObject({
  nodes: z.array(
    z.looseObject({
      id: z.number(),
      callFrame: z.looseObject({ functionName: z.string(), url: z.string() }),
      children: z.array(z.number()).optional(),
    }),
  ),
  samples: z.array(z.number()),
  timeDeltas: z.array(z.number()),
});
export type CpuProfile = z.infer<typeof cpuProfileSchema>;

export interface ProfileShares {
  /** Seconds in which it did something. */
  readonly busySeconds: number;
  /** Shares of those by kind of work, greatest first. */
  readonly groups: readonly (readonly [group: string, share: number])[];
  /** Shares by function, greatest first. */
  readonly functions: readonly (readonly [place: string, share: number])[];
}

// The first that matches a frame, or else one of its callers, names the work.
const groups: readonly (readonly [RegExp, string])[] = [
  [/\(garbage collector\)/, "garbage collection"],
  [/search-page|json-scanner|kept-members/, "splitting the response into lines"],
  [/to-json|cell-writer|row-writer|line-buffer/, "writing lines"],
  [/cassandra-driver/, "Cassandra driver: protocol and decoding"],
  [/node:zlib/, "gzip (what of it is not in threads of its own)"],
  [/@smithy|@aws-sdk|file-store/, "S3 client"],
  [/undici|@elastic|elasticsearch\/connection|node:_http|node:internal\/http/, "HTTP"],
  [/internal\/modules|cjs\/loader|amaro|internal\/bootstrap|esm\//, "starting: loading modules"],
  [/object-writer/, "filling objects"],
  [/functions\/extract/, "the extractor's own steps"],
];

/** Groups self time, idle time left out. */
export function summariseProfile(profile: CpuProfile, most = 12): ProfileShares {
  const nodes = new Map(profile.nodes.map((node) => [node.id, node]));
  const parents = new Map<number, number>();
  for (const node of profile.nodes)
    for (const child of node.children ?? []) parents.set(child, node.id);
  const byGroup = new Map<string, number>();
  const byFunction = new Map<string, number>();
  let busyMicros = 0;
  profile.samples.forEach((id, index) => {
    const frame = nodes.get(id)?.callFrame;
    const micros = Math.max(0, profile.timeDeltas[index] ?? 0);
    if (frame === undefined || frame.functionName === "(idle)") return;
    busyMicros += micros;
    add(byFunction, placeOf(frame), micros);
    add(byGroup, groupOf(id), micros);
  });
  const shares = (map: ReadonlyMap<string, number>): [string, number][] =>
    [...map]
      .sort((a, b) => b[1] - a[1])
      .slice(0, most)
      .map(([name, micros]) => [name, micros / busyMicros]);
  return {
    busySeconds: busyMicros / 1e6,
    groups: shares(byGroup),
    functions: shares(byFunction),
  };

  function groupOf(id: number): string {
    for (let at: number | undefined = id; at !== undefined; at = parents.get(at)) {
      const frame = nodes.get(at)?.callFrame;
      if (frame === undefined) break;
      const place = placeOf(frame);
      const found = groups.find(([pattern]) => pattern.test(place));
      if (found !== undefined) return found[1];
    }
    return "other";
  }
}

function placeOf(frame: { functionName: string; url: string }): string {
  const file = frame.url
    .replace(/^.*\/node_modules\//, "")
    .replace(/^file:\/\/.*?\/(?=functions\/|bench\/|catalog\/)/, "");
  return `${frame.functionName || "(anonymous)"} ${file}`.trim();
}

function add(map: Map<string, number>, name: string, micros: number): void {
  map.set(name, (map.get(name) ?? 0) + micros);
}
