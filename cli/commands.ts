// The commands of `sluice` as data: names, options and what they mean. Help and docs are made from this.

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
const stackOptions = {
  elasticsearch: {
    type: "string",
    value: "URL",
    description: "use this Elasticsearch instead of starting one (http://user:password@host:9200)",
  },
  cassandra: {
    type: "string",
    value: "HOST:PORT/DC",
    description: "use this Cassandra instead of starting one (127.0.0.1:9042/datacenter1)",
  },
  context: {
    type: "string",
    value: "NAME=VALUE",
    multiple: true,
    description: "a CDK context value, as for cdk deploy; may be given several times",
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
  query: {
    name: "query",
    arguments: '"SQL"',
    description: "ask the warehouse",
    options: { deployed, json },
  },
  demo: {
    name: "demo",
    arguments: "",
    description:
      "generate sample data, run the pipeline, change the data, run again, and ask the warehouse",
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
    description: "run a benchmark of bench/",
    options: { json },
  },
} as const satisfies Record<string, CommandHelp>;

export type CommandName = keyof typeof COMMANDS;

export const isCommand = (name: string): name is CommandName => Object.hasOwn(COMMANDS, name);

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
export function help(): string {
  return [
    "sluice: a warehouse kept true to live databases",
    "",
    ...Object.values(COMMANDS).map(commandHelp),
    "",
    "Exit codes: 0 done, 1 failed, 2 the command line is wrong, 130 interrupted.",
  ].join("\n");
}
