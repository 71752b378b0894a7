// A CPU profile is summed up by what the work was for.
import { expect, it } from "vitest";
import { cpuProfileSchema, summariseProfile } from "../../bench/measure/cpu-profile.ts";

it("gives self time to the nearest caller that names its work, and leaves idle time out", () => {
  const frame = (functionName: string, url: string) => ({ functionName, url });
  const profile = cpuProfileSchema.parse({
    nodes: [
      { id: 1, callFrame: frame("(root)", ""), children: [2, 3, 5] },
      { id: 2, callFrame: frame("(idle)", "") },
      {
        id: 3,
        callFrame: frame("cut", "file:///x/sources/elasticsearch/search-page.ts"),
        children: [4],
      },
      { id: 4, callFrame: frame("copy", "node:buffer") },
      { id: 5, callFrame: frame("(garbage collector)", "") },
    ],
    samples: [2, 3, 4, 4, 5],
    timeDeltas: [1000, 100, 100, 100, 100],
  });
  const summary = summariseProfile(profile);
  expect(summary.busySeconds).toBeCloseTo(400e-6);
  expect(summary.groups).toEqual([
    ["splitting the response into lines", 0.75],
    ["garbage collection", 0.25],
  ]);
  expect(summary.functions[0]).toEqual(["copy node:buffer", 0.5]);
});
