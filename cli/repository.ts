// The `sluice` command in Sluice's own repository, which has more commands.
import { REPOSITORY_COMMANDS } from "./commands.ts";
import { dispatch, type Command } from "./dispatch.ts";
import { PACKAGE_COMMANDS } from "./package-commands.ts";

const commands = {
  demo: {
    help: REPOSITORY_COMMANDS.demo,
    load: async () => (await import("./commands/demo.ts")).demo,
  },
  test: {
    help: REPOSITORY_COMMANDS.test,
    load: async () => (await import("./commands/test.ts")).test,
  },
  bench: {
    help: REPOSITORY_COMMANDS.bench,
    load: async () => (await import("./commands/bench.ts")).bench,
  },
} as const satisfies Record<keyof typeof REPOSITORY_COMMANDS, Command>;

await dispatch({ ...PACKAGE_COMMANDS, ...commands });
