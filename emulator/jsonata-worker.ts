// Evaluates the JSONata templates of state machines for the local emulator.
//
// Usage: jsonata-worker.ts <folder of the npm package jsonata>, a two-way channel's file
// descriptor in EMULATOR_CHANNEL. A request is one JSON text per line, {id, template, bindings}; its
// response is {id, value} or {id, error: {expression, location, message}}.
import { createHash, randomUUID } from "node:crypto";
import net from "node:net";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import type jsonataModule from "jsonata";

interface Request {
  id: number;
  template: unknown;
  bindings: Record<string, unknown>;
}

const EXPRESSION = /^\{%([\s\S]*)%\}$/;

class EvaluationError extends Error {
  readonly expression: string;
  readonly location: string;

  constructor(expression: string, location: string, message: string) {
    super(message);
    this.expression = expression;
    this.location = location;
  }
}

const PACKAGE_FOLDER = process.argv[2] ?? "jsonata";
// Given by path, so that it is the project's one, wherever this file lies.
const jsonata = createRequire(import.meta.url)(PACKAGE_FOLDER) as typeof jsonataModule;
const compiled = new Map<string, jsonataModule.Expression>();

/** The functions that Step Functions adds to JSONata. */
const FUNCTIONS: Record<string, Parameters<jsonataModule.Expression["registerFunction"]>[1]> = {
  partition: (items: unknown[], size: number) =>
    Array.from({ length: Math.ceil(items.length / size) }, (_, n) =>
      items.slice(n * size, (n + 1) * size),
    ),
  range: (first: number, last: number, step: number) =>
    Array.from({ length: Math.floor((last - first) / step) + 1 }, (_, n) => first + n * step),
  hash: (text: string, algorithm: string) =>
    createHash(algorithm.replace("-", "").toLowerCase()).update(text).digest("hex"),
  uuid: () => randomUUID(),
  parse: (text: string): unknown => JSON.parse(text),
  random: () => Math.random(),
};

function compile(source: string): jsonataModule.Expression {
  const known = compiled.get(source);
  if (known !== undefined) return known;
  const expression = jsonata(source);
  for (const [name, implementation] of Object.entries(FUNCTIONS)) {
    expression.registerFunction(name, implementation);
  }
  expression.registerFunction("eval", () => {
    throw new Error("$eval is not supported; parse JSON texts with $parse");
  });
  compiled.set(source, expression);
  return expression;
}

async function evaluate(
  source: string,
  location: string,
  bindings: Record<string, unknown>,
): Promise<unknown> {
  let value: unknown;
  try {
    value = await compile(source).evaluate(undefined, bindings);
  } catch (error) {
    throw new EvaluationError(source, location, `threw an error during evaluation. ${text(error)}`);
  }
  if (value === undefined) {
    throw new EvaluationError(source, location, "returned nothing (undefined).");
  }
  if (typeof value === "function" || (typeof value === "number" && !Number.isFinite(value))) {
    throw new EvaluationError(source, location, "returned an unsupported result type.");
  }
  return value;
}

function text(error: unknown): string {
  if (typeof error !== "object" || error === null) return String(error);
  const code: unknown = Reflect.get(error, "code");
  const message: unknown = Reflect.get(error, "message");
  return typeof code === "string" ? `${code}: ${String(message)}` : String(message);
}

/** Replace every expression in a template by its value. */
async function fill(
  template: unknown,
  location: string,
  bindings: Record<string, unknown>,
): Promise<unknown> {
  if (typeof template === "string") {
    const match = EXPRESSION.exec(template);
    return match === null ? template : evaluate((match[1] ?? "").trim(), location, bindings);
  }
  if (Array.isArray(template)) {
    const items: unknown[] = [];
    for (const [index, item] of template.entries()) {
      items.push(await fill(item, `${location}[${index}]`, bindings));
    }
    return items;
  }
  if (typeof template === "object" && template !== null) {
    const filled: Record<string, unknown> = {};
    for (const [key, value] of Object.entries(template)) {
      filled[key] = await fill(value, location === "" ? key : `${location}/${key}`, bindings);
    }
    return filled;
  }
  return template;
}

const channel = new net.Socket({ fd: Number(process.env.EMULATOR_CHANNEL) });
channel.on("close", () => process.exit(0));

async function respond(request: Request): Promise<void> {
  let response: object;
  try {
    response = {
      id: request.id,
      value: await fill(request.template, "", request.bindings),
    };
  } catch (error) {
    response = {
      id: request.id,
      error:
        error instanceof EvaluationError
          ? { expression: error.expression, location: error.location, message: error.message }
          : { expression: "", location: "", message: text(error) },
    };
  }
  channel.write(JSON.stringify(response) + "\n");
}

createInterface({ input: channel }).on("line", (line) => {
  // The other end is the emulator, which writes exactly this.
  void respond(JSON.parse(line) as Request);
});
