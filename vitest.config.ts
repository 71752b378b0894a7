// Three kinds of tests: `unit` needs nothing, `server` needs real servers, `pipeline` runs the whole stack.
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/**/*.test.ts"],
          exclude: ["test/**/*.server.test.ts", "test/pipeline/**", "test/local/servers/**"],
          // Synthesis and property tests share the cores with whatever else runs.
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        test: {
          name: "server",
          include: ["test/**/*.server.test.ts", "test/local/servers/**/*.test.ts"],
          exclude: ["test/pipeline/**"],
          testTimeout: 600_000,
          hookTimeout: 600_000,
          fileParallelism: false,
          globalSetup: ["test/servers.setup.ts"],
        },
      },
      {
        test: {
          name: "pipeline",
          include: ["test/pipeline/**/*.test.ts"],
          testTimeout: 900_000,
          hookTimeout: 900_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
