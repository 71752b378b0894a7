// Faults on the wire between a process and AWS: every request that writes is a point at which the process can be killed,
// held back, or lose its response.
import type { S3Client } from "@aws-sdk/client-s3";
import { z } from "zod";

/** The Lambdas of a run whose processes are struck. */
export type StepName = "plan" | "invocation" | "commit" | "report";

type FaultKind =
  /** The process does nothing more, not even what its `finally` blocks would do. */
  | "killed"
  /** The process stands still, is taken for dead, and goes on later beside its successor. */
  | "zombie"
  /** The request is carried out, but the connection breaks before its response arrives. */
  | "response lost";

/** What the state machine, or the people who run it, do about a lost process. */
type Resume =
  /** The step is tried again while its run goes on. */
  | "retry"
  /** The tries are used up: the run goes on without what this step would have done. */
  | "give up"
  /** The execution is stopped, and a later run takes over. */
  | "abort";

/** One kind of write at one step, as `PUT raw/#` or `TransactWriteItems Update split#rows-# …`. */
export interface Point {
  readonly step: StepName;
  readonly label: string;
  /** Counted from 1, over all runs of a scenario. */
  readonly occurrence: number;
}

/** What strikes, wherever that is. */
export interface Strike {
  readonly side: "before" | "after";
  readonly kind: FaultKind;
  readonly resume: Resume;
  /** Writes of other processes after which a zombie goes on; null: not before all others are done. */
  readonly releaseAfter: number | null;
}

export type Fault = Point & Strike;

export function describeFault(fault: Fault): string {
  const { step, label, occurrence, side, kind, resume, releaseAfter } = fault;
  const release = kind === "zombie" ? `, going on after ${String(releaseAfter ?? "all")}` : "";
  return `${step}: ${kind} ${side} "${label}" number ${occurrence}${release}; then ${resume}`;
}

/** The response of a step itself is a point as well: what it returned may never arrive. */
export const RETURNS = "returns";

const never = new Promise<never>(() => undefined);

/** What happens in one scenario: counts the points, and strikes at some of them. */
export class Faults {
  readonly #fault: Fault | null;
  readonly #counts = new Map<string, number>();
  readonly points: Point[] = [];
  #armed: { strike: Strike; points: number } | null = null;
  #struck = false;
  readonly #held: { release: () => void; writes: number | null }[] = [];

  constructor(fault: Fault | null) {
    this.#fault = fault;
  }

  get hasStruck(): boolean {
    return this.#struck;
  }

  /** Strikes at the point that comes after so many others, whichever it is; in place of what was armed before. */
  arm(strike: Strike, points: number): void {
    this.#armed = { strike, points };
  }

  disarm(): void {
    this.#armed = null;
  }

  /** @returns what strikes, if something does at this point */
  reach(step: StepName, label: string): Strike | null {
    const name = `${step} ${label}`;
    const occurrence = (this.#counts.get(name) ?? 0) + 1;
    this.#counts.set(name, occurrence);
    this.points.push({ step, label, occurrence });
    for (const one of [...this.#held]) {
      if (one.writes === null) continue;
      one.writes -= 1;
      if (one.writes <= 0) this.#release(one);
    }
    const strike = this.#scripted(step, label, occurrence) ?? this.#next(label);
    if (strike !== null) this.#struck = true;
    return strike;
  }

  hold(release: () => void, { releaseAfter }: Strike): void {
    this.#held.push({ release, writes: releaseAfter });
  }

  /** Lets the zombies go on. */
  releaseAll(): void {
    for (const one of [...this.#held]) this.#release(one);
  }

  #release(one: { release: () => void }): void {
    this.#held.splice(
      this.#held.findIndex((other) => other === one),
      1,
    );
    one.release();
  }

  #scripted(step: StepName, label: string, occurrence: number): Strike | null {
    const fault = this.#fault;
    return fault?.step === step && fault.label === label && fault.occurrence === occurrence
      ? fault
      : null;
  }

  #next(label: string): Strike | null {
    if (this.#armed === null) return null;
    const { strike, points } = this.#armed;
    // What a step returns is not a request that could be sent again.
    if (strike.kind === "response lost" && label === RETURNS) return null;
    this.#armed = points > 1 ? { strike, points: points - 1 } : null;
    return points > 1 ? null : strike;
  }
}

/** One process of a Lambda: it can die or stand still between any two of its requests. */
export class LambdaProcess {
  readonly #faults: Faults;
  readonly #step: StepName;
  readonly #lost = Promise.withResolvers<Strike>();
  #isDead = false;
  #held: Promise<void> | null = null;

  constructor(faults: Faults, step: StepName) {
    this.#faults = faults;
    this.#step = step;
  }

  /** Settles when the process is taken for dead. */
  get lost(): Promise<Strike> {
    return this.#lost.promise;
  }

  /** Goes on only while the process lives. */
  async gate(): Promise<void> {
    if (this.#isDead) await never;
    if (this.#held !== null) await this.#held;
  }

  /** Carries out a request; `label` is null for one that only reads. */
  async carryOut<T>(label: string | null, request: () => Promise<T>): Promise<T> {
    await this.gate();
    const fault = label === null ? null : this.#faults.reach(this.#step, label);
    if (fault?.side === "before") await this.#strike(fault);
    const response = await request();
    if (fault?.side === "after") await this.#strike(fault);
    await this.gate();
    return response;
  }

  async #strike(fault: Strike): Promise<void> {
    if (fault.kind === "response lost")
      throw Object.assign(new Error("read ECONNRESET"), {
        name: "TimeoutError",
        code: "ECONNRESET",
      });
    if (fault.kind === "killed") this.#isDead = true;
    else {
      const { promise, resolve } = Promise.withResolvers<undefined>();
      this.#held = promise;
      this.#faults.hold(() => {
        this.#held = null;
        resolve(undefined);
      }, fault);
    }
    this.#lost.resolve(fault);
    await this.gate();
  }
}

type Handler = S3Client["config"]["requestHandler"];

/** A request handler whose every request passes through the process. */
export function throughProcess(inner: Handler, process: LambdaProcess): Handler {
  const handle: Handler["handle"] = (request, options) =>
    process.carryOut(labelOf(request), () => inner.handle(request, options));
  return {
    metadata: { handlerProtocol: "http/1.1" },
    handle,
    destroy: () => undefined,
    updateHttpClientConfig: () => undefined,
    httpHandlerConfigs: () => ({}),
  };
}

const requestSchema = z.looseObject({
  method: z.string(),
  path: z.string(),
  headers: z.record(z.string(), z.string().optional()),
  body: z.unknown(),
});

const textAttribute = z.looseObject({ S: z.string() });
const itemSchema = z.looseObject({ sk: textAttribute });
const operationSchema = z.looseObject({
  Key: itemSchema.optional(),
  Item: itemSchema.optional(),
  UpdateExpression: z.string().optional(),
});
const transactionSchema = z.looseObject({
  TransactItems: z.array(z.record(z.string(), operationSchema)),
});

const reads = /^(?:Get|BatchGet|TransactGet|Query|Scan|List|Describe)/;

/** What a request writes, without the names and numbers that differ from run to run; null if it writes nothing. */
export function labelOf(request: unknown): string | null {
  const { method, path, headers, body } = requestSchema.parse(request);
  const target = headers["x-amz-target"];
  if (target === undefined) {
    if (method === "GET" || method === "HEAD") return null;
    return `${method} ${shapeOf(path.split("/").slice(2).join("/"))}`;
  }
  const operation = target.split(".").at(-1) ?? target;
  if (reads.test(operation)) return null;
  const sent: unknown = JSON.parse(textOf(body));
  if (operation !== "TransactWriteItems")
    return `${operation} ${describeOperation(operationSchema.parse(sent))}`;
  const items = transactionSchema
    .parse(sent)
    .TransactItems.flatMap((item) => Object.entries(item))
    .map(([kind, parsed]) => `${kind} ${describeOperation(parsed)}`);
  return `${operation} ${[...new Set(items)].join(", ")}`;
}

function describeOperation({
  Key,
  Item,
  UpdateExpression,
}: z.infer<typeof operationSchema>): string {
  const sk = shapeOf((Key ?? Item)?.sk.S ?? "");
  return UpdateExpression === undefined ? sk : `${sk} ${UpdateExpression}`;
}

/** The client sends text or its bytes. */
function textOf(body: unknown): string {
  if (body instanceof Uint8Array) return new TextDecoder().decode(body);
  return z.string().parse(body);
}

function shapeOf(name: string): string {
  return name
    .replace(/pit#[0-9a-f]+/, "pit#*")
    .replaceAll(/[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g, "*")
    .replace(/(\d+-\d+)-[0-9a-f]{8}(?=\.)/, "$1-*")
    .replaceAll(/\d+/g, "#");
}
