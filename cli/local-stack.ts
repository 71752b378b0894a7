// The stack on this machine, as commands use it: the running one, or one of their own that ends with them.
import { isDeepStrictEqual } from "node:util";
import { DeploymentError } from "../lib/deployment/errors.ts";
import { runningStack, startStack, stopStack } from "../local/control.ts";
import { applyCatalogAndCode, repoint } from "../local/deploy.ts";
import { localChoices, localConfig } from "../local/deployment.ts";
import { stateFolder, type LocalOptions, type RunningStack } from "../local/state.ts";
import { ensurePythonEnvironment } from "../local/toolchain/python-environment.ts";
import { UsageError } from "./arguments.ts";
import { Interrupted, interruptible } from "./interruption.ts";
import type { Output } from "./output.ts";
import { allDeclarations } from "../sources/declarations.ts";
import { typedSecret } from "./source-address.ts";

/** Options of `up` and `run`, as typed. */
export interface StackArguments {
  /** An option of each source system has its name. */
  readonly [option: string]: unknown;
  readonly set?: string[] | undefined;
}

/**
 * Turns typed options into what the supervisor takes.
 * @throws UsageError for an address that cannot be read, or a choice that the deployment's schema does not take
 */
export function localOptions(given: StackArguments): LocalOptions {
  const set: Record<string, string> = {};
  for (const pair of given.set ?? []) {
    const at = pair.indexOf("=");
    if (at < 1) {
      throw new UsageError(`--set ${JSON.stringify(pair)}: must be NAME=VALUE`);
    }
    set[pair.slice(0, at)] = pair.slice(at + 1);
  }
  checkChoices(set);
  const owner = Number(process.env.SLUICE_OWNER_PID ?? "0");
  return {
    set,
    // A test's stack must not outlive the test, whatever ends it.
    ...(owner > 0 ? { ownerPid: owner } : {}),
    secrets: typedSecrets(given),
  };
}

/** What was typed for each system, as its sources' secrets would hold it. */
function typedSecrets(given: StackArguments): LocalOptions["secrets"] {
  return Object.fromEntries(
    allDeclarations().flatMap((declaration) => {
      const typed = given[declaration.name];
      return typeof typed === "string"
        ? [[declaration.name, typedSecret(declaration, typed)] as const]
        : [];
    }),
  );
}

function checkChoices(set: Readonly<Record<string, string>>): void {
  try {
    localConfig(set);
  } catch (error) {
    if (!(error instanceof DeploymentError)) throw error;
    throw new UsageError(error.message);
  }
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
  if (runningStack() !== undefined) {
    const stack = await startLasting(given, say);
    const python = await ensurePythonEnvironment(say);
    const summary = await applyCatalogAndCode(stateFolder(), stack, python, say);
    if (summary.changed) {
      say(
        `applied the changed catalog and code: ${String(summary.created)} created, ${String(summary.updated)} updated, ${String(summary.deleted)} deleted`,
      );
    }
    return interruptible(() => work(stack), {
      atFirst: "what was started goes on; `npm run sluice -- status` shows how it ends",
      atSecond: "",
    });
  }
  const options = { ...localOptions(given), ownerPid: process.pid };
  try {
    return await interruptible(async () => work(await startStack(options, say)), ENDING);
  } finally {
    output.mute();
    await stopStack((line) => {
      console.error(line);
    });
  }
}

/**
 * The stack as it runs, with the addresses that were typed, or one that is started and stays. One whose start is
 * interrupted is ended.
 * @throws Error if the running stack cannot become what was typed
 */
export async function startLasting(
  given: StackArguments,
  say: (line: string) => void,
): Promise<RunningStack> {
  const already = runningStack();
  if (already !== undefined) return asTyped(await startStack(already.options, say), given, say);
  try {
    return await interruptible(() => startStack(localOptions(given), say), ENDING);
  } catch (error) {
    if (error instanceof Interrupted) await stopStack(say);
    throw error;
  }
}

const ENDING = {
  atFirst: "ending what was started …",
  atSecond: "not waiting for the end of the stack, which goes on ending by itself",
};

async function asTyped(
  stack: RunningStack,
  given: StackArguments,
  say: (line: string) => void,
): Promise<RunningStack> {
  const typed = localOptions(given);
  const first = "End it first, with its data: npm run sluice -- down";
  const [running, wanted] = [stack.options.set, typed.set].map(localChoices);
  for (const name of Object.keys(typed.set)) {
    if (isDeepStrictEqual(running?.[name], wanted?.[name])) continue;
    const text = running?.[name] === undefined ? "no value" : JSON.stringify(running[name]);
    throw new Error(
      `A stack runs already, with ${text} for ${name}; --set ${name}=${typed.set[name] ?? ""} can no longer be given to it. ${first}`,
    );
  }
  let changed = stack;
  for (const [system, secret] of Object.entries(typed.secrets)) {
    if (isDeepStrictEqual(secret, stack.secrets[system])) continue;
    if (stack.options.secrets[system] === undefined)
      throw new Error(
        `A stack runs already, with a server that it started; --${system} can no longer be given to it. ${first}`,
      );
    changed = await repoint(stateFolder(), changed, { [system]: secret });
    say(`the secrets of the ${system} sources hold what was typed now`);
  }
  return changed;
}
