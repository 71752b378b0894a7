// What functions write into their logs: lines that each carry what they are about.
import type { Logger } from "@aws-lambda-powertools/logger";
import type { Context } from "aws-lambda";
import { z } from "zod";
import { asError } from "../../contract/error-message.ts";

/**
 * Details of one line. An Error under `error` is written with its whole stack. Powertools keeps the name `message` for
 * itself, so details call theirs `reason`.
 */
type Details = Readonly<Record<string, unknown>>;

/** Writes lines that carry some keys. */
export interface Log {
  info(message: string, details?: Details): void;
  warn(message: string, details?: Details): void;
  error(message: string, details?: Details): void;
}

/** What an event says that all lines of its invocation carry. */
const eventKeysSchema = z.object({
  run: z.string().optional().catch(undefined),
  table: z.string().optional().catch(undefined),
  source: z.string().optional().catch(undefined),
  lane: z.number().optional().catch(undefined),
});

/**
 * A handler whose lines carry the run, and the table, source and lane where its event names them. Each invocation has a
 * log of its own, so that nothing of one is carried into the next of the same process. An error that the handler
 * throws is logged with its stack, and thrown on.
 */
export function withLog<Result>(
  logger: Logger,
  handle: (event: unknown, context: Context, log: Log) => Promise<Result>,
): (event: unknown, context: Context) => Promise<Result> {
  return async (event, context) => {
    const own = logger.createChild();
    own.addContext(context);
    const keys = eventKeysSchema.safeParse(event).data ?? {};
    const log = new KeyedLog(own, keys);
    try {
      return await handle(event, context, log);
    } catch (error) {
      log.error("the invocation failed", { error: asError(error) });
      throw error;
    }
  };
}

class KeyedLog implements Log {
  readonly #logger: Logger;
  readonly #keys: Details;

  constructor(logger: Logger, keys: Details) {
    this.#logger = logger;
    this.#keys = keys;
  }

  info(message: string, details?: Details): void {
    this.#logger.info(message, this.#line(details));
  }

  warn(message: string, details?: Details): void {
    this.#logger.warn(message, this.#line(details));
  }

  error(message: string, details?: Details): void {
    this.#logger.error(message, this.#line(details));
  }

  #line(details: Details = {}): Record<string, unknown> {
    return { ...this.#keys, ...details };
  }
}
