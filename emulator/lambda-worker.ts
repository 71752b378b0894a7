// Runs one Lambda function for the local emulator: one event at a time, over one two-way channel.
//
// Usage: lambda-worker.ts <function folder> <handler>, the channel's file descriptor in
// EMULATOR_CHANNEL. Every message is one JSON text per line.
import { existsSync } from "node:fs";
import net from "node:net";
import path from "node:path";
import { createInterface } from "node:readline";
import { pathToFileURL } from "node:url";

interface Invocation {
  requestId: string;
  event: unknown;
  deadlineMs: number;
  arn: string;
}

interface Failure {
  errorType: string;
  errorMessage: string;
  trace: string[];
}

type Handler = (event: unknown, context: object) => unknown;

const MAX_RESPONSE_BYTES = 6_291_556;

// A net.Socket and not a file stream: process.exit() hangs while a file stream reads a pipe.
const channel = new net.Socket({ fd: Number(process.env.EMULATOR_CHANNEL) });
delete process.env.EMULATOR_CHANNEL;

function send(message: object, then?: () => void): void {
  channel.write(JSON.stringify(message) + "\n", then);
}

function failure(error: unknown, errorType?: string): Failure {
  if (error instanceof Error) {
    return {
      errorType: errorType ?? error.name,
      errorMessage: error.message,
      trace: (error.stack ?? "").split("\n"),
    };
  }
  return { errorType: errorType ?? typeof error, errorMessage: String(error), trace: [] };
}

class RuntimeError extends Error {
  constructor(name: string, message: string) {
    super(message);
    this.name = name;
  }
}

async function load(folder: string, handlerName: string): Promise<Handler> {
  const dot = handlerName.lastIndexOf(".");
  const moduleName = handlerName.slice(0, dot);
  const exportName = handlerName.slice(dot + 1);
  const file = [".js", ".mjs", ".cjs"]
    .map((extension) => path.join(folder, moduleName + extension))
    .find((candidate) => existsSync(candidate));
  if (file === undefined) {
    throw new RuntimeError(
      "Runtime.ImportModuleError",
      `Error: Cannot find module '${moduleName}'`,
    );
  }
  const loaded: unknown = await import(pathToFileURL(file).href);
  const handler = exported(loaded, exportName) ?? exported(exported(loaded, "default"), exportName);
  if (!isHandler(handler)) {
    throw new RuntimeError(
      "Runtime.HandlerNotFound",
      `${handlerName} is undefined or not exported`,
    );
  }
  return handler;
}

function exported(value: unknown, name: string): unknown {
  return (typeof value === "object" && value !== null) || typeof value === "function"
    ? Reflect.get(value, name)
    : undefined;
}

function isHandler(value: unknown): value is Handler {
  return typeof value === "function";
}

async function invoke(handler: Handler, invocation: Invocation): Promise<void> {
  const context = {
    awsRequestId: invocation.requestId,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    invokedFunctionArn: invocation.arn,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    callbackWaitsForEmptyEventLoop: true,
    getRemainingTimeInMillis: () => Math.max(0, invocation.deadlineMs - Date.now()),
  };
  try {
    const result = JSON.stringify((await handler(invocation.event, context)) ?? null);
    const bytes = Buffer.byteLength(result);
    if (bytes > MAX_RESPONSE_BYTES) {
      throw new RuntimeError(
        "Function.ResponseSizeTooLarge",
        `Response payload size (${bytes} bytes) exceeded maximum allowed payload size ` +
          `(${MAX_RESPONSE_BYTES} bytes).`,
      );
    }
    send({ type: "result", payload: result });
  } catch (error) {
    send({ type: "error", error: failure(error) });
  }
}

function dieWith(error: Failure, exitCode: number): void {
  send({ type: "fatal", error }, () => process.exit(exitCode));
}

process.on("uncaughtException", (error) => {
  dieWith(failure(error), 129);
});
process.on("unhandledRejection", (reason) => {
  dieWith(failure(reason, "Runtime.UnhandledPromiseRejection"), 128);
});
// The emulator has ended, for whatever reason, and this process with it.
channel.on("close", () => process.exit(0));

const [FOLDER = ".", HANDLER_NAME = "index.handler"] = process.argv.slice(2);
try {
  const handler = await load(FOLDER, HANDLER_NAME);
  createInterface({ input: channel }).on("line", (line) => {
    // The other end is the emulator, which writes exactly this.
    void invoke(handler, JSON.parse(line) as Invocation);
  });
  send({ type: "ready" });
} catch (error) {
  dieWith(failure(error), 1);
}
