// What readers see at each moment of a deployment that changes the number of catalog stacks.
import fc from "fast-check";
import { expect, it } from "vitest";
import { encodeEntry, type GlueTable } from "../../../catalog/glue.ts";
import {
  catalogStackOf,
  definitionsDatabase,
  deployedBefore,
  encodeStamp,
} from "../../../catalog/placement.ts";
import type { ElasticsearchTable } from "../../catalog/table-types.ts";
import {
  chooseDefinitions,
  stampOf,
  type StackContent,
} from "../../../stores/data-catalog/choose-definitions.ts";

/** A catalog: the owner of each entry. */
type Owners = ReadonlyMap<string, string>;

function definition(name: string, owner: string): GlueTable {
  const table: ElasticsearchTable = {
    ...{ name, owner, description: "d", key: ["id"], from: { index: name } },
    source: { name: "shop", system: "elasticsearch", owner: "team", description: "d" },
    cursor: { column: "at", lagSeconds: 5, overlapSeconds: 60 },
    deletes: { strategy: "none" },
    columns: [
      { name: "id", type: "string", description: "d" },
      { name: "at", type: "timestamp", description: "d" },
    ],
  };
  return encodeEntry(table, { deployment: "d" });
}

/** The databases of an account, changed as CloudFormation changes them. */
class Account {
  readonly #databases = new Map<number, Map<string, GlueTable>>();
  stacks = 0;

  /** All moments of the deployment of one stack: creations and updates, its stamp, deletions. */
  *deployStack(stack: number, catalog: Owners): Generator<void> {
    const tables = this.#databases.get(stack) ?? new Map<string, GlueTable>();
    this.#databases.set(stack, tables);
    yield;
    const own = [...catalog].filter(([name]) => catalogStackOf(name, this.stacks) === stack);
    for (const [name, owner] of own) {
      tables.set(name, definition(name, owner));
      yield;
    }
    const stamp = encodeStamp(this.stacks);
    tables.set(stamp.Name, stamp);
    yield;
    for (const name of [...tables.keys()]) {
      if (name === stamp.Name || own.some(([one]) => one === name)) continue;
      tables.delete(name);
      yield;
    }
  }

  /** The core comes first, then the stacks in any order that CDK allows, each moment of each. */
  *deploy(stacks: number, catalog: Owners, order: readonly number[]): Generator<void> {
    this.stacks = stacks;
    yield;
    const waiting = new Set(Array.from({ length: stacks }, (_, stack) => stack));
    const key = (stack: number): number => order[stack % order.length] ?? 0;
    while (waiting.size > 0) {
      const [next] = [...waiting]
        .filter((stack) => deployedBefore(stack, stacks).every((one) => !waiting.has(one)))
        .sort((a, b) => key(a) - key(b));
      if (next === undefined) throw new Error("stacks wait for each other");
      yield* this.deployStack(next, catalog);
      waiting.delete(next);
    }
  }

  /** As readers read it. */
  choose(): ReturnType<typeof chooseDefinitions> {
    const contents: StackContent[] = [];
    for (let end = this.stacks; contents.length < end;) {
      const content = {
        database: definitionsDatabase("d", contents.length),
        tables: [...(this.#databases.get(contents.length)?.values() ?? [])],
      };
      contents.push(content);
      end = Math.max(end, stampOf(content) ?? 0);
    }
    return chooseDefinitions(contents, this.stacks);
  }
}

function finish(moments: Iterator<void>): void {
  while (moments.next().done !== true);
}

function seen(account: Account): Owners {
  return new Map(account.choose().definitions.map(({ name, owner }) => [name, owner]));
}

const names = fc.uniqueArray(fc.stringMatching(/^[a-z]{1,4}$/), { minLength: 1, maxLength: 6 });
const count = fc.constantFrom(1, 2, 4, 8);
const order = fc.array(fc.nat(100), { minLength: 8, maxLength: 8 });

it("an entry that stays as it is can be read at each moment of each change of their number", () => {
  fc.assert(
    fc.property(names, count, count, count, order, (all, first, second, third, anyOrder) => {
      const account = new Account();
      const catalog: Owners = new Map(all.map((name) => [name, "team"]));
      finish(account.deploy(first, catalog, anyOrder));
      expect(seen(account)).toEqual(catalog);
      for (const next of [second, third]) {
        const moments = account.deploy(next, catalog, anyOrder);
        while (moments.next().done !== true) {
          expect(seen(account)).toEqual(catalog);
          expect(account.choose().unusable).toEqual([]);
        }
        expect(account.choose().pending).toEqual([]);
      }
    }),
    { numRuns: 15 },
  );
});

it("an entry that changes too is the old one, the new one, or reported and not used", () => {
  fc.assert(
    fc.property(names, count, count, order, fc.nat(), (all, first, second, anyOrder, which) => {
      const account = new Account();
      const before: Owners = new Map(all.map((name) => [name, "old"]));
      finish(account.deploy(first, before, anyOrder));
      const changed = all[which % all.length] ?? "";
      const after: Owners = new Map([...before, [changed, "new"], ["added", "new"]]);
      const moments = account.deploy(second, after, anyOrder);
      while (moments.next().done !== true) {
        const owners = seen(account);
        const { unusable } = account.choose();
        for (const name of all) {
          if (name !== changed) expect(owners.get(name)).toBe("old");
        }
        const reported = unusable.map(({ name }) => name);
        expect(reported.length === 0 ? [changed] : reported).toEqual([changed]);
        expect(owners.has(changed)).toBe(reported.length === 0);
      }
      expect(seen(account)).toEqual(after);
    }),
    { numRuns: 15 },
  );
});

it("what is left in stacks that no longer exist does not count", () => {
  const account = new Account();
  const all = ["a", "b", "c", "d", "e", "f", "g", "h"];
  const catalog: Owners = new Map(all.map((name) => [name, "old"]));
  finish(account.deploy(8, catalog, [1]));
  const fewer: Owners = new Map(all.slice(1).map((name) => [name, "new"]));
  finish(account.deploy(2, fewer, [1]));
  expect(seen(account)).toEqual(fewer);
  expect(account.choose()).toMatchObject({ unusable: [], pending: [] });
});
