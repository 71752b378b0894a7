// What reads beside the foreground during a window: nothing, the extractor, its control, or a peer.
import type { ChildProcess } from "node:child_process";
import { mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import type { Invocation } from "../../local/servers/unprivileged.ts";
import { lastLines, quoteLog } from "../../local/toolchain/log-tail.ts";
import type { Contestant } from "../peers/contestants.ts";
import { type Command, reportSchema, type ReaderReport } from "../extractor/settings.ts";
import { type OutputForm, outputBytes, outputFiles, RowCounter } from "../measure/count-rows.ts";
import { askChild } from "../measure/messages.ts";
import { endedChildrenCpuSeconds, treeCpuSeconds } from "../measure/processes.ts";
import { type Children, killGroup } from "../measure/run-contestant.ts";
import type { LiveSource } from "../sources/live-source.ts";

/** What a reader has done so far. */
export interface Progress {
  readonly rows: number;
  readonly cpuSeconds: number;
}

export interface Reader {
  /** Begins, and returns once it reads steadily. */
  start(): Promise<void>;
  progress(): Promise<Progress>;
  /** Ends its reading until the next start. */
  stop(): Promise<void>;
  /** Ends it for good. */
  close(): Promise<void>;
}

const QUOTED_LINES = 20;
const START_DEADLINE_MILLIS = 120_000;
const POLL_MILLIS = 50;

/** Nothing reads. */
export const NO_READER: Reader = {
  start: () => Promise.resolve(),
  progress: () => Promise.resolve({ rows: 0, cpuSeconds: 0 }),
  stop: () => Promise.resolve(),
  close: () => Promise.resolve(),
};

/** A process of ours that reads (or burns) on command: it stays warm between windows, as a Lambda between invocations. */
export class CommandedReader implements Reader {
  readonly #child: ChildProcess;
  readonly #pid: number;
  readonly #logFile: string;
  readonly #leadMillis: number;

  private constructor(child: ChildProcess, pid: number, logFile: string, leadMillis: number) {
    this.#child = child;
    this.#pid = pid;
    this.#logFile = logFile;
    this.#leadMillis = leadMillis;
  }

  static async open(
    invocation: Invocation,
    children: Children,
    logFile: string,
    leadMillis: number,
  ): Promise<CommandedReader> {
    const child = await children.start(invocation, logFile, true);
    if (child.pid === undefined) throw new Error(`${invocation.program} could not be started.`);
    return new CommandedReader(child, child.pid, logFile, leadMillis);
  }

  async start(): Promise<void> {
    this.#send("go");
    await delay(this.#leadMillis);
  }

  async progress(): Promise<Progress> {
    const { rows } = await this.report();
    return { rows, cpuSeconds: treeCpuSeconds(this.#pid) };
  }

  stop(): Promise<void> {
    this.#send("pause");
    return Promise.resolve();
  }

  close(): Promise<void> {
    killGroup(this.#pid, "SIGKILL");
    return Promise.resolve();
  }

  /** What it did since the last report. */
  async report(): Promise<ReaderReport> {
    const command: Command = "report";
    return reportSchema.parse(await askChild(this.#child, command, () => this.#ended()));
  }

  #send(command: Command): void {
    if (!this.#child.connected) throw this.#ended();
    this.#child.send(command);
  }

  #ended(): Error {
    return new Error(
      `A reader ended by itself. ${quoteLog(this.#logFile, lastLines(this.#logFile, QUOTED_LINES))}`,
    );
  }
}

export interface PeerOptions {
  readonly contestant: Contestant;
  readonly source: LiveSource;
  readonly children: Children;
  readonly folder: string;
  /** Time to get warm, from its first output on. */
  readonly leadMillis: number;
  /** The most that it may read: it is stopped and continued to keep to it. For a peer that has no setting for it. */
  readonly holdAtRowsPerSecond?: number;
}

/** A peer, started anew for each window, and again whenever it has read the whole table. */
export class PeerReader implements Reader {
  readonly #options: PeerOptions;
  readonly #out: string;
  readonly #logFile: string;
  #pids: number[] = [];
  /** What processes had used that had ended before it began. */
  #endedBefore = 0;
  #endedBytes = 0;
  #rowBytes: number | null = null;
  #isWanted = false;
  #isStopped = false;
  #failure: Error | null = null;
  #holding: Promise<void> = Promise.resolve();

  constructor(options: PeerOptions) {
    this.#options = options;
    this.#out = join(options.folder, "out");
    this.#logFile = join(options.folder, "log.txt");
  }

  async start(): Promise<void> {
    this.#isWanted = true;
    this.#failure = null;
    this.#endedBytes = 0;
    this.#endedBefore = endedChildrenCpuSeconds();
    await this.#launch();
    const deadline = Date.now() + START_DEADLINE_MILLIS;
    while (this.#bytes() === 0) {
      this.#throwFailure();
      if (Date.now() > deadline)
        throw new Error(`${this.#options.contestant.name} wrote nothing. ${this.#log()}`);
      await delay(POLL_MILLIS);
    }
    if (this.#options.holdAtRowsPerSecond !== undefined)
      this.#holding = this.#hold(this.#options.holdAtRowsPerSecond);
    await delay(this.#options.leadMillis);
    while ((await this.#learnRowBytes()) === null) {
      this.#throwFailure();
      if (Date.now() > deadline)
        throw new Error(`${this.#options.contestant.name} wrote no whole row. ${this.#log()}`);
      await delay(POLL_MILLIS);
    }
  }

  progress(): Promise<Progress> {
    this.#throwFailure();
    // No other processes end while a peer reads.
    const ended = endedChildrenCpuSeconds() - this.#endedBefore;
    const cpuSeconds = this.#pids.reduce((sum, pid) => sum + treeCpuSeconds(pid), ended);
    const rows = this.#rowBytes === null ? 0 : this.#bytes() / this.#rowBytes;
    return Promise.resolve({ rows, cpuSeconds });
  }

  async stop(): Promise<void> {
    this.#isWanted = false;
    await this.#holding;
    for (const pid of this.#pids) killGroup(pid, "SIGKILL");
    const deadline = Date.now() + START_DEADLINE_MILLIS;
    while (this.#pids.length > 0 && Date.now() < deadline) await delay(POLL_MILLIS);
    await rm(this.#options.folder, { recursive: true, force: true });
    this.#throwFailure();
  }

  async close(): Promise<void> {
    if (this.#isWanted) await this.stop();
  }

  async #launch(): Promise<void> {
    await rm(this.#out, { recursive: true, force: true });
    await mkdir(this.#out, { recursive: true });
    const { contestant, source, children } = this.#options;
    for (const command of contestant.commands(source, this.#out)) {
      const child = await children.start(command, this.#logFile);
      const { pid } = child;
      if (pid === undefined) throw new Error(`${command.program} could not be started.`);
      this.#pids.push(pid);
      child.once("exit", (code) => {
        this.#pids = this.#pids.filter((one) => one !== pid);
        if (!this.#isWanted) return;
        if (code !== 0)
          this.#failure = new Error(
            `${contestant.name} exited with ${code ?? "a signal"}. ${this.#log()}`,
          );
        else void this.#again();
      });
    }
  }

  /** From the peer's own output, which is alike throughout. */
  async #learnRowBytes(): Promise<number | null> {
    const { contestant } = this.#options;
    this.#rowBytes = (await meanRowBytes(this.#out, contestant.form)) ?? this.#rowBytes;
    return this.#rowBytes;
  }

  async #again(): Promise<void> {
    await this.#learnRowBytes();
    this.#endedBytes += outputBytes(this.#out, this.#options.contestant.form);
    await this.#launch();
  }

  #bytes(): number {
    return this.#endedBytes + outputBytes(this.#out, this.#options.contestant.form);
  }

  /** Stops it whenever it is ahead of the rate, and lets it go on when it is not. */
  async #hold(rowsPerSecond: number): Promise<void> {
    const began = performance.now();
    let bytesBefore = this.#bytes();
    this.#isStopped = false;
    let allowed = 0;
    let last = began;
    while (this.#isWanted) {
      if (this.#rowBytes === null) await this.#learnRowBytes();
      const now = performance.now();
      allowed += ((now - last) / 1000) * rowsPerSecond;
      last = now;
      const bytes = this.#bytes();
      const read = this.#rowBytes === null ? 0 : (bytes - bytesBefore) / this.#rowBytes;
      bytesBefore = bytes;
      allowed -= read;
      this.#setStopped(allowed < 0);
      await delay(POLL_MILLIS);
    }
  }

  #setStopped(isStopped: boolean): void {
    if (isStopped === this.#isStopped) return;
    this.#isStopped = isStopped;
    for (const pid of this.#pids) killGroup(pid, isStopped ? "SIGSTOP" : "SIGCONT");
  }

  #throwFailure(): void {
    if (this.#failure !== null) throw this.#failure;
  }

  #log(): string {
    return quoteLog(this.#logFile, lastLines(this.#logFile, QUOTED_LINES));
  }
}

const SAMPLE_BYTES = 4 * 1024 * 1024;

/** Bytes per row of the first file, from its first megabytes; null while there is no whole row. */
async function meanRowBytes(folder: string, form: OutputForm): Promise<number | null> {
  const [file] = outputFiles(folder, form);
  if (file === undefined) return null;
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(SAMPLE_BYTES), 0, SAMPLE_BYTES, 0);
    const counter = new RowCounter(form.kind);
    const sample = buffer.subarray(0, bytesRead);
    counter.add(sample);
    return counter.rows === 0 ? null : bytesRead / counter.rows;
  } finally {
    await handle.close();
  }
}
