// The commands of the package.
import { COMMANDS } from "./commands.ts";
import type { Command } from "./dispatch.ts";

export const PACKAGE_COMMANDS = {
  up: { help: COMMANDS.up, load: async () => (await import("./commands/up.ts")).up },
  down: { help: COMMANDS.down, load: async () => (await import("./commands/down.ts")).down },
  run: { help: COMMANDS.run, load: async () => (await import("./commands/run.ts")).run },
  status: {
    help: COMMANDS.status,
    load: async () => (await import("./commands/status.ts")).status,
  },
  discover: {
    help: COMMANDS.discover,
    load: async () => (await import("./commands/discover.ts")).discover,
  },
  query: { help: COMMANDS.query, load: async () => (await import("./commands/query.ts")).query },
  init: { help: COMMANDS.init, load: async () => (await import("./commands/init.ts")).init },
} as const satisfies Record<keyof typeof COMMANDS, Command>;
