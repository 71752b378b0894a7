// Keeps one client a source for the life of a process, and follows changes of its secret.
import { isDeepStrictEqual } from "node:util";
import type { SourceDefinition } from "../../catalog/definition.ts";
import { connect } from "../../sources/clients.ts";
import type { SourceClient } from "../../sources/source.ts";

/** Reads a secret's text by its name. */
type ReadSecret = (name: string) => Promise<string>;

interface Connected {
  readonly client: SourceClient;
  readonly secretText: string;
  /** What the client was made with; a definition can change while the process lives. */
  readonly budget: SourceDefinition["budget"]["own"];
  readAt: number;
}

const SECRET_LIFE_MILLIS = 5 * 60_000;

export class SourceConnections {
  readonly #readSecret: ReadSecret;
  readonly #connect: typeof connect;
  readonly #bySource = new Map<string, Connected>();

  constructor(readSecret: ReadSecret, connectSource: typeof connect = connect) {
    this.#readSecret = readSecret;
    this.#connect = connectSource;
  }

  /**
   * The source's client, with credentials that are some minutes old at most.
   * @throws SourceConfigurationError if the secret is missing or does not have the system's form
   */
  async get(source: SourceDefinition): Promise<SourceClient> {
    const known = this.#bySource.get(source.name);
    const isFresh = known !== undefined && Date.now() - known.readAt < SECRET_LIFE_MILLIS;
    if (isFresh && isDeepStrictEqual(known.budget, source.budget.own)) return known.client;
    await this.renew(source);
    return this.#bySource.get(source.name)?.client ?? (await this.get(source));
  }

  /** Reads the secret again; true if it changed, so that there is a new client. */
  async renew(source: SourceDefinition): Promise<boolean> {
    const secretText = await this.#readSecret(source.secret);
    const known = this.#bySource.get(source.name);
    const { own: budget } = source.budget;
    if (known?.secretText === secretText && isDeepStrictEqual(known.budget, budget)) {
      known.readAt = Date.now();
      return false;
    }
    const client = this.#connect(source, secretText);
    this.#bySource.set(source.name, { client, secretText, budget, readAt: Date.now() });
    await known?.client.close();
    return true;
  }

  async close(): Promise<void> {
    const clients = [...this.#bySource.values()];
    this.#bySource.clear();
    for (const { client } of clients) await client.close();
  }
}
