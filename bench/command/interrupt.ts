// Cleans up once when a benchmark is interrupted.

const INTERRUPTED_EXIT_CODE = 130;

/**
 * Does the work; at SIGINT, SIGTERM or SIGHUP runs `cleanUp` and ends the process with exit code 130. The work may then
 * fail, because what it used is gone; that is ignored.
 */
export async function unlessInterrupted(
  work: () => Promise<void>,
  cleanUp: () => Promise<void>,
): Promise<void> {
  let isEnding = false;
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => {
      if (isEnding) return;
      isEnding = true;
      console.error(`${signal}: ending servers and readers …`);
      cleanUp().then(
        () => process.exit(INTERRUPTED_EXIT_CODE),
        (error: unknown) => {
          console.error(error);
          process.exit(1);
        },
      );
    });
  }
  try {
    await work();
  } catch (error) {
    // Set by a signal, which the checker cannot know.
    if (!wasSet(isEnding)) throw error;
    await new Promise<never>(() => undefined);
  }
}

const wasSet = (flag: boolean): boolean => flag;
