// Ctrl-C: the first lets a command end what it began, the second does not wait for that.
const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
const EXIT_CODE = 130;

/** The person pressed Ctrl-C, or the process was asked to end. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";
  constructor(what: string) {
    super(`interrupted (${what})`);
  }
}

/**
 * Does the work unless it is interrupted; what was begun is not undone here.
 * @param atFirst says what happens now
 * @param atSecond says what is left when the process ends at once
 * @throws Interrupted
 */
export async function interruptible<T>(
  work: () => Promise<T>,
  { atFirst, atSecond }: { readonly atFirst: string; readonly atSecond: string },
): Promise<T> {
  let count = 0;
  const interrupted = new Promise<never>((_resolve, reject) => {
    for (const signal of SIGNALS) {
      process.on(signal, () => {
        count += 1;
        console.error(`\n${signal}: ${count === 1 ? atFirst : atSecond}`);
        if (count > 1) process.exit(EXIT_CODE);
        reject(new Interrupted(signal));
      });
    }
  });
  return Promise.race([work(), interrupted]);
}
