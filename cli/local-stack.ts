// The stack on this machine, as commands use it: the running one, or one of their own that ends with them.
import { runningStack, startStack, stopStack } from "../local/control.ts";
import { applyCatalogAndCode } from "../local/deploy.ts";
import { stateFolder, type LocalOptions, type RunningStack } from "../local/state.ts";
import { ensurePythonEnvironment } from "../local/toolchain/python-environment.ts";
import { UsageError } from "./arguments.ts";
import type { Output } from "./output.ts";

/** Options of `up` and `run`, as typed. */
export interface StackArguments {
  readonly elasticsearch?: string | undefined;
  readonly cassandra?: string | undefined;
  readonly context?: string[] | undefined;
}

/**
 * Turns typed options into what the supervisor takes.
 * @throws UsageError for an address or a context value that cannot be read
 */
export function localOptions(given: StackArguments): LocalOptions {
  const context: Record<string, string> = {};
  for (const pair of given.context ?? []) {
    const at = pair.indexOf("=");
    if (at < 1) {
      throw new UsageError(`--context ${JSON.stringify(pair)}: wants NAME=VALUE`);
    }
    context[pair.slice(0, at)] = pair.slice(at + 1);
  }
  const owner = Number(process.env.SLUICE_OWNER_PID ?? "0");
  return {
    context,
    // A test's stack must not outlive the test, whatever ends it.
    ...(owner > 0 ? { ownerPid: owner } : {}),
    ...(given.elasticsearch === undefined
      ? {}
      : { elasticsearch: elasticsearchSecret(given.elasticsearch) }),
    ...(given.cassandra === undefined ? {} : { cassandra: cassandraSecret(given.cassandra) }),
  };
}

function elasticsearchSecret(address: string): Record<string, unknown> {
  if (!URL.canParse(address) || !/^https?:/.test(address)) {
    throw new UsageError(
      `--elasticsearch ${JSON.stringify(address)}: wants a URL like http://user:password@host:9200`,
    );
  }
  const url = new URL(address);
  const { username, password } = url;
  url.username = "";
  url.password = "";
  return {
    nodes: [url.href.replace(/\/$/, "")],
    ...(username === ""
      ? {}
      : { username: decodeURIComponent(username), password: decodeURIComponent(password) }),
  };
}

function cassandraSecret(address: string): Record<string, unknown> {
  const match =
    /^(?:(?<username>[^:@/]+):(?<password>[^@/]+)@)?(?<host>[^:@/]+):(?<port>\d+)\/(?<dc>[\w-]+)$/.exec(
      address,
    );
  const groups = match?.groups;
  if (groups === undefined) {
    throw new UsageError(
      `--cassandra ${JSON.stringify(address)}: wants HOST:PORT/DATACENTER like 127.0.0.1:9042/datacenter1`,
    );
  }
  const { username, password, host, port, dc } = groups;
  return {
    contactPoints: [host],
    port: Number(port),
    localDataCenter: dc,
    ...(username === undefined ? {} : { username, password }),
  };
}

/**
 * Runs `work` on the stack: the running one (with changed catalog and code applied), or one that is started for it
 * and ended after it, also when it is interrupted.
 */
export async function withLocalStack<T>(
  given: StackArguments,
  output: Output,
  work: (stack: RunningStack) => Promise<T>,
): Promise<T> {
  const say = (line: string): void => {
    output.line(line);
  };
  const already = runningStack();
  if (already !== undefined) {
    const stack = await startStack(already.options, say);
    const python = await ensurePythonEnvironment(say);
    const summary = await applyCatalogAndCode(stateFolder(), stack, python, say);
    if (summary.changed) {
      say(
        `applied the changed catalog and code: ${String(summary.created)} created, ${String(summary.updated)} updated, ${String(summary.deleted)} deleted`,
      );
    }
    return work(stack);
  }
  const options = { ...localOptions(given), ownerPid: process.pid };
  const interrupted = new Promise<never>((_resolve, reject) => {
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
      process.once(signal, () => {
        reject(new Interrupted(signal));
      });
    }
  });
  try {
    return await Promise.race([startStack(options, say).then(work), interrupted]);
  } finally {
    await stopStack(say);
  }
}

/** The person pressed Ctrl-C, or the process was asked to end. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  constructor(signal: string) {
    super(`interrupted (${signal})`);
  }
}
