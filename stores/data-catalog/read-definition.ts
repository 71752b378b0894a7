// Reads one table's or model's definition from the Data Catalog.
import { EntityNotFoundException, GetTableCommand } from "@aws-sdk/client-glue";
import type { Definition } from "../../catalog/definition.ts";
import { CatalogError } from "../../catalog/errors.ts";
import { decodeEntry, type GlueTable } from "../../catalog/glue.ts";
import {
  catalogStackOf,
  decodeStamp,
  definitionsDatabase,
  STAMP_NAME,
} from "../../catalog/placement.ts";
import { readAll, type DefinitionStore } from "./read-definitions.ts";

/** Reads definitions one by one, without reading all of them each time. */
export class DefinitionReader {
  readonly #store: DefinitionStore;
  /** True once all stacks were seen deployed, so that each entry is in its own. */
  #isSettled = false;

  constructor(store: DefinitionStore) {
    this.#store = store;
  }

  /**
   * @throws CatalogError if there is neither a table nor a model of that name, its definition is broken, or it is found
   * twice and not the same
   */
  async read(name: string): Promise<Definition> {
    this.#isSettled ||= await this.#areAllDeployed();
    if (this.#isSettled) {
      const table = await this.#get(catalogStackOf(name, this.#store.stacks), name);
      if (table !== undefined) return decodeEntry(table);
      this.#isSettled = false;
    }
    return this.#findAnywhere(name);
  }

  async #areAllDeployed(): Promise<boolean> {
    const { stacks } = this.#store;
    for (let stack = 0; stack < stacks; stack++) {
      if (decodeStamp(await this.#get(stack, STAMP_NAME)) !== stacks) return false;
    }
    return true;
  }

  async #findAnywhere(name: string): Promise<Definition> {
    const { definitions, unusable } = await readAll(this.#store);
    const definition = definitions.find((one) => one.name === name);
    if (definition !== undefined) return definition;
    const { deployment, stacks } = this.#store;
    throw (
      unusable.find((one) => one.name === name)?.cause ??
      new CatalogError([
        {
          place: name,
          problem:
            `there is no table or model ${JSON.stringify(name)} in the Data Catalog (databases ` +
            `${definitionsDatabase(deployment, 0)} to ${definitionsDatabase(deployment, stacks - 1)})`,
          fix: "name it in the catalog's index and deploy all stacks; until then nothing of it is changed",
        },
      ])
    );
  }

  async #get(stack: number, name: string): Promise<GlueTable | undefined> {
    const { glue, deployment } = this.#store;
    const DatabaseName = definitionsDatabase(deployment, stack);
    try {
      return (await glue.send(new GetTableCommand({ DatabaseName, Name: name }))).Table;
    } catch (error) {
      if (error instanceof EntityNotFoundException) return undefined;
      throw error;
    }
  }
}
