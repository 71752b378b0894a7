// What the preflight says about what an earlier deployment left, and that it always fits into a response.
import { describe, expect, it } from "vitest";
import { decide, newNames } from "../../../functions/preflight/decide.ts";
import type { Found, RetainedKind, RetainedName } from "../../../functions/preflight/names.ts";

const named = (kind: RetainedKind, name: string, isData: "true" | "false"): RetainedName => ({
  ...{ kind, name, isData },
  logicalId: `Id${name.replaceAll(/\W/g, "")}`,
});
const data = named("bucket", "shop-data-1-eu", "true");
const ledger = named("table", "shop-ledger", "true");
const lake = named("database", "shop_lake", "true");
const logs = named("bucket", "shop-logs-1-eu", "false");
const secret = named("secret", "shop/source/web", "false");
const ALL = [data, logs, ledger, lake, secret];
const left = (...names: readonly RetainedName[]): Found[] =>
  names.map((one) => ({
    ...one,
    identifier: one.kind === "secret" ? `arn:secret:${one.name}-AbCdEf` : one.name,
  }));
const input = { stack: "shop-core", names: ALL, before: [], adopt: false };
const within = (bytes: number) => (message: string) => message.length <= bytes;

describe("a new deployment", () => {
  it("begins where nothing is left", () => {
    expect(decide(input, [], within(4000))).toBeUndefined();
  });

  it("is said of everything that is left, and how to take it over", () => {
    const message = decide(input, left(...ALL), within(4000));
    for (const { name } of ALL) expect(message).toContain(name);
    const mapping = /import\.json: (\{.*\}) and/.exec(message ?? "")?.[1] ?? "";
    expect(JSON.parse(mapping)).toEqual({
      Idshopdata1eu: { BucketName: "shop-data-1-eu" },
      Idshoplogs1eu: { BucketName: "shop-logs-1-eu" },
      Idshopledger: { TableName: "shop-ledger" },
      Idshop_lake: { DatabaseName: "shop_lake" },
      Idshopsourceweb: { Id: "arn:secret:shop/source/web-AbCdEf" },
    });
    expect(message).toContain("cdk import shop-core --resource-mapping import.json");
  });

  it("is that something can't be taken over, and why", () => {
    const found = left(data).map((one) => ({ ...one, obstacle: "it belongs to another account" }));
    expect(decide(input, found, within(4000))).toContain(
      "bucket shop-data-1-eu (it belongs to another account)",
    );
  });

  it("is as long as fits", () => {
    const many = Array.from({ length: 300 }, (_, n) => named("secret", `source/${n}`, "false"));
    const whole = decide(input, left(...many), within(100_000)) ?? "";
    expect(whole).toContain("source/299");
    expect(whole).toContain("import.json");
    for (const bytes of [whole.length - 1, 4000, 1000, 400]) {
      const message = decide(input, left(...many), within(bytes)) ?? "";
      expect(message.length).toBeLessThanOrEqual(bytes);
      expect(message).toContain("secret source/0");
      expect(message).not.toContain("import.json");
      expect(message).toContain("Taking it down in docs/deploying.md");
    }
    expect(decide(input, left(...many), within(4000))).toMatch(/; and \d+ more\./);
  });
});

describe("an update", () => {
  const update = { ...input, before: [data, logs, ledger, lake] };

  it("looks at what it adds alone", () => {
    expect(newNames(update)).toEqual([secret]);
    expect(newNames({ ...update, names: [data], before: ALL })).toEqual([]);
    expect(decide(update, left(secret), within(4000))).toContain("secret shop/source/web");
  });
});

describe("a deployment that adopts", () => {
  const adopting = { ...input, adopt: true };

  it.each([
    ["nothing", []],
    ["everything", ALL],
    ["the data without logs and secrets", [data, ledger, lake]],
    ["secrets alone", [secret]],
  ])("takes over %s", (_, names) => {
    expect(decide(adopting, left(...names), within(4000))).toBeUndefined();
  });

  it.each([
    [[data], [ledger, lake]],
    [[ledger], [data, lake]],
    [[data, lake], [ledger]],
    [[data, ledger], [lake]],
  ])("refuses data of which a part is gone: %j", (there, gone) => {
    const message = decide(adopting, left(...there, logs), within(4000));
    for (const { name } of gone) expect(message).toContain(name);
    expect(message).toContain("Only a part");
  });

  it("refuses what can't be imported", () => {
    const obstacle = "scheduled for deletion";
    const found = left(secret).map((one) => ({ ...one, obstacle }));
    expect(decide(adopting, found, within(4000))).toContain("secret shop/source/web (scheduled");
  });
});
