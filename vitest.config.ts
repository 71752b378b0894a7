// Kinds of tests: `unit` needs nothing, `server` needs real servers, `stack` runs a whole stack of its own for each file,
// and `pipeline` runs the pipeline end to end on one more.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: [
            ...["test/**/*.server.test.ts", "test/local/servers/**"],
            ...["test/stack/**", "test/pipeline/**"],
          ],
          // Synthesis and property tests share the cores with whatever else runs.
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "server",
          include: ["test/**/*.server.test.ts", "test/local/servers/**/*.test.ts"],
          exclude: ["test/stack/**", "test/pipeline/**"],
          testTimeout: 600_000,
          hookTimeout: 600_000,
          fileParallelism: false,
          globalSetup: ["test/servers.setup.ts"],
        },
      },
      ...["stack", "pipeline"].map((name) => ({
        test: {
          name,
          include: [`test/${name}/**/*.test.ts`],
          testTimeout: 900_000,
          hookTimeout: 900_000,
          fileParallelism: false,
        },
      })),
    ],
  },
});
