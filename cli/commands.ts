// The commands of `sluice` as data: names, options and what they mean. Help and docs are made from this.
import type { SourceDeclaration } from "../sources/declaration.ts";
import { allDeclarations } from "../sources/declarations.ts";

export interface OptionHelp {
  readonly type: "boolean" | "string";
  readonly value?: string;
  readonly description: string;
  readonly multiple?: boolean;
}

export interface CommandHelp {
  readonly name: string;
  readonly arguments: string;
  readonly description: string;
  readonly options: Readonly<Record<string, OptionHelp>>;
}

const json = {
  type: "boolean",
  description: "print the result as JSON on standard output",
} as const satisfies OptionHelp;
const deployed = {
  type: "string",
  value: "NAME",
  description: "work on the deployment of this name in AWS instead of the stack on this machine",
} as const satisfies OptionHelp;

/** An option for each source system: the address of the user's own server. */
function addressOptions(
  describe: (declaration: SourceDeclaration) => string,
): Readonly<Record<string, OptionHelp & { readonly type: "string" }>> {
  return Object.fromEntries(
    allDeclarations().map((declaration) => [
      declaration.name,
      {
        type: "string",
        value: `${declaration.addressForm.short}|@FILE`,
        description: describe(declaration),
      },
    ]),
  );
}

const stackOptions = {
  ...addressOptions(
    ({ title, addressForm }) =>
      `use this ${title} instead of starting one (${addressForm.example}), or the one of a secret's file`,
  ),
  set: {
    type: "string",
    value: "NAME=VALUE",
    multiple: true,
    description:
      "a choice as in a deployment's file (docs/deploying.md), for the stack on this machine; may be given several times",
  },
} as const satisfies Record<string, OptionHelp>;

export const COMMANDS = {
  up: {
    name: "up",
    arguments: "",
    description: "start the whole stack on this machine and deploy into it; it lasts until `down`",
    options: { ...stackOptions, json },
  },
  down: {
    name: "down",
    arguments: "",
    description: "end the stack on this machine, or what a killed one left, and remove its data",
    options: { json },
  },
  run: {
    name: "run",
    arguments: "[tables…]",
    description:
      "run the pipeline over all tables or the named ones; applies changes of catalog and code first",
    options: { deployed, ...stackOptions, json },
  },
  status: {
    name: "status",
    arguments: "",
    description: "show the last runs and how far each table is",
    options: { deployed, json },
  },
  discover: {
    name: "discover",
    arguments: [
      ...allDeclarations().map(({ placeForm }) => `SOURCE ${placeForm}`),
      "[tables…]",
    ].join(" | "),
    description:
      "propose a catalog entry for what a source has, or list how tables of the catalog differ from their sources",
    options: {
      write: {
        type: "boolean",
        description:
          "write the proposal to catalog/tables/, never over a file, and add it to the index if that has the usual form",
      },
      name: { type: "string", value: "NAME", description: "name of the proposed table" },
      sample: {
        type: "string",
        value: "N",
        description: "documents to look at, 200 if not given; 0 for none",
      },
      drift: {
        type: "boolean",
        description: "list the differences of the named tables, or of all, and propose nothing",
      },
      deployed,
      ...addressOptions(({ title }) => `discover this ${title}`),
      json,
    },
  },
  query: {
    name: "query",
    arguments: '"SQL"',
    description: "query the warehouse",
    options: { deployed, json },
  },
  init: {
    name: "init",
    arguments: "FOLDER",
    description:
      "make a project in a folder, without overwriting files: catalog, deployment, CDK app and test",
    options: {
      source: {
        type: "string",
        value: "NAME=SYSTEM",
        multiple: true,
        description:
          "begin with this source, elasticsearch or cassandra; may be given several times",
      },
      json,
    },
  },
} as const satisfies Record<string, CommandHelp>;

/** The commands that only Sluice's own repository has. */
export const REPOSITORY_COMMANDS = {
  demo: {
    name: "demo",
    arguments: "",
    description:
      "generate sample data, run the pipeline, change the data, run again, and query the warehouse",
    options: {
      keep: { type: "boolean", description: "leave the stack running at the end" },
      scale: {
        type: "string",
        value: "N",
        description: "size of the sample data; 1 is about 20,000 rows",
      },
      json,
    },
  },
  test: {
    name: "test",
    arguments: "[filter…]",
    description: "run all tests, or those whose file name contains a filter",
    options: {
      all: { type: "boolean", description: "run long matrices whole instead of a sample" },
    },
  },
  bench: {
    name: "bench",
    arguments: "NAME",
    description: "run a benchmark of bench/: million, extraction or foreground",
    options: {
      only: {
        type: "string",
        value: "SYSTEM",
        description: "elasticsearch or cassandra alone (extraction, foreground)",
      },
      rows: {
        type: "string",
        value: "N",
        description: "rows to write into each source (extraction, foreground)",
      },
      repeats: {
        type: "string",
        value: "N",
        description: "readings of each reader, 5 by default (extraction)",
      },
      minutes: {
        type: "string",
        value: "N",
        description: "minutes of each variant, 3 by default (foreground)",
      },
      requests: {
        type: "string",
        value: "N",
        description: "requests per second that customers make, 200 by default (foreground)",
      },
      window: {
        type: "string",
        value: "N",
        description: "seconds of a window at most, 15 by default (foreground)",
      },
      further: {
        type: "string",
        value: "KINDS",
        description:
          "none, or some of ours,peer,held: what is measured beside the idle source, the control and the default budget (foreground)",
      },
      profile: {
        type: "boolean",
        description: "show where the extractor's CPU time goes instead (extraction)",
      },
      json,
    },
  },
} as const satisfies Record<string, CommandHelp>;

/** The help of one command. */
export function commandHelp(command: CommandHelp): string {
  const options = Object.entries(command.options).map(
    ([name, option]) =>
      [
        `--${name}${option.value === undefined ? "" : ` ${option.value}`}`,
        option.description,
      ] as const,
  );
  const width = Math.max(0, ...options.map(([left]) => left.length));
  return [
    `sluice ${[command.name, command.arguments].filter(Boolean).join(" ")}`,
    `  ${command.description}`,
    ...options.map(([left, right]) => `    ${left.padEnd(width)}  ${right}`),
  ].join("\n");
}

/** The help of all commands. */
export function help(commands: Readonly<Record<string, CommandHelp>>): string {
  return [
    "sluice: a warehouse kept in sync with live databases",
    "",
    ...Object.values(commands).map(commandHelp),
    "",
    "Exit codes: 0 done, 1 failed, 2 the command line is wrong, 130 interrupted.",
  ].join("\n");
}
