// The evaluator of policies decides as IAM's documentation says.
import { describe, expect, it } from "vitest";
import type { z } from "zod";
import type { statementSchema } from "./policy-evaluator.ts";
import { decide, policySchema, type AccessRequest, type Decision } from "./policy-evaluator.ts";

const ROLE = "arn:aws:iam::111122223333:role/reader";
const KEY = "arn:aws:s3:::data/raw/a/b.gz";

function request(change: Partial<AccessRequest> = {}): AccessRequest {
  return { action: "s3:GetObject", resource: KEY, caller: ROLE, ...change };
}

function decideBy(
  identity: readonly z.input<typeof statementSchema>[],
  change: Partial<AccessRequest> = {},
  resource: readonly z.input<typeof statementSchema>[] = [],
): Decision {
  const parse = (statements: readonly unknown[]) =>
    policySchema.parse({ Version: "2012-10-17", Statement: statements }).Statement;
  return decide(request(change), { identity: parse(identity), resource: parse(resource) });
}

const allow = (change: Partial<z.input<typeof statementSchema>> = {}) => ({
  Effect: "Allow" as const,
  Action: "s3:GetObject",
  Resource: "arn:aws:s3:::data/raw/*",
  ...change,
});

describe("a statement", () => {
  it.each([
    ["s3:GetObject", "allowed"],
    ["S3:getobject", "allowed"],
    ["s3:Get*", "allowed"],
    ["s3:GetObjec?", "allowed"],
    ["*", "allowed"],
    ["s3:GetObjectVersion", "implicitly denied"],
    ["s3:Get", "implicitly denied"],
    ["dynamodb:*", "implicitly denied"],
  ] as const)("with the action %s: %s", (Action, decision) => {
    expect(decideBy([allow({ Action })])).toBe(decision);
    expect(decideBy([allow({ Action: ["sns:Publish", Action] })])).toBe(decision);
  });

  it.each([
    ["arn:aws:s3:::data/*", "allowed"],
    ["arn:aws:s3:::data/raw/a/b.gz", "allowed"],
    ["arn:aws:s3:::data/raw/*.gz", "allowed"],
    ["*", "allowed"],
    ["arn:aws:s3:::data", "implicitly denied"],
    ["arn:aws:s3:::data/RAW/*", "implicitly denied"],
    ["arn:aws:s3:::data/manifests/*", "implicitly denied"],
    ["arn:aws:s3:::data/raw/a/bXgz", "implicitly denied"],
  ] as const)("with the resource %s: %s", (Resource, decision) => {
    expect(decideBy([allow({ Resource })])).toBe(decision);
  });

  it("excludes what NotAction and NotResource name", () => {
    const { Effect, Resource, Action } = allow();
    expect(decideBy([{ Effect, Resource, NotAction: "s3:Put*" }])).toBe("allowed");
    expect(decideBy([{ Effect, Resource, NotAction: "s3:Get*" }])).toBe("implicitly denied");
    expect(decideBy([{ Effect, Action, NotResource: "arn:aws:s3:::data/lake/*" }])).toBe("allowed");
    expect(decideBy([{ Effect, Action, NotResource: "arn:aws:s3:::data/raw/*" }])).toBe(
      "implicitly denied",
    );
  });

  it("that denies wins, wherever it stands", () => {
    const deny = { ...allow(), Effect: "Deny" as const };
    expect(decideBy([allow(), deny])).toBe("explicitly denied");
    expect(decideBy([deny, allow()])).toBe("explicitly denied");
    expect(decideBy([allow()], {}, [{ ...deny, Principal: "*" }])).toBe("explicitly denied");
    expect(decideBy([deny])).toBe("explicitly denied");
    expect(decideBy([])).toBe("implicitly denied");
  });

  it("of the resource is enough, for whom it names", () => {
    const of = (Principal: z.input<typeof statementSchema>["Principal"]) => [
      { ...allow(), Principal },
    ];
    expect(decideBy([], {}, of({ AWS: ROLE }))).toBe("allowed");
    expect(decideBy([], {}, of({ AWS: "*" }))).toBe("allowed");
    expect(decideBy([], {}, of("*"))).toBe("allowed");
    expect(decideBy([], {}, of({ AWS: "arn:aws:iam::111122223333:root" }))).toBe(
      "implicitly denied",
    );
    expect(decideBy([], {}, of({ Service: "glue.amazonaws.com" }))).toBe("implicitly denied");
    const caller = "glue.amazonaws.com";
    expect(decideBy([], { caller }, of({ Service: caller }))).toBe("allowed");
    expect(decideBy([], { caller }, of({ AWS: ROLE }))).toBe("implicitly denied");
  });

  it("is rejected where a part of it is not understood", () => {
    expect(() => decideBy([allow({ Condition: { DateLessThan: { k: "v" } } })])).toThrow(
      "DateLessThan",
    );
    expect(() => decideBy([allow({ Resource: "arn:aws:s3:::data/${aws:username}/*" })])).toThrow(
      "aws:username",
    );
    expect(() => decideBy([{ ...allow(), NotAction: "x" }])).toThrow("NotAction");
    expect(() => decideBy([{ Effect: "Allow", Resource: "*" }])).toThrow("Action");
    expect(() => decideBy([{ ...allow(), Principal: "*" }])).toThrow("Principal");
    expect(() => decideBy([], {}, [allow()])).toThrow("Principal");
    expect(() =>
      policySchema.parse({ Version: "2012-10-17", Statement: [{ ...allow(), X: 1 }] }),
    ).toThrow();
  });
});

describe("a condition", () => {
  const cases: [string, string | string[], string | string[] | undefined, boolean][] = [
    ["StringEquals", "a", "a", true],
    ["StringEquals", ["b", "a"], "a", true],
    ["StringEquals", "a", "A", false],
    ["StringEquals", "a", undefined, false],
    ["StringEqualsIgnoreCase", "a", "A", true],
    ["StringNotEquals", "a", "b", true],
    ["StringNotEquals", ["a", "b"], "b", false],
    ["StringNotEquals", "a", undefined, true],
    ["StringLike", "raw/*", "raw/x", true],
    ["StringLike", "raw/*", "raw/", true],
    ["StringLike", "raw/*", "lake/x", false],
    ["StringLike", "raw/*", "", false],
    ["StringLike", "raw/*", undefined, false],
    ["StringLikeIfExists", "raw/*", undefined, true],
    ["StringLikeIfExists", "raw/*", "lake/x", false],
    ["StringNotLike", "raw/*", "lake/x", true],
    ["Bool", "false", "true", false],
    ["Bool", "false", "false", true],
    ["Bool", "false", undefined, false],
    ["Null", "true", undefined, true],
    ["Null", "true", "x", false],
    ["Null", "false", "x", true],
    ["ForAllValues:StringLike", "table#*", ["table#a", "table#b"], true],
    ["ForAllValues:StringLike", "table#*", ["table#a", "run"], false],
    ["ForAllValues:StringLike", "table#*", undefined, true],
    ["ForAnyValue:StringLike", "table#*", ["table#a", "run"], true],
    ["ForAnyValue:StringLike", "table#*", undefined, false],
    ["ArnLike", "arn:aws:cloudwatch:*:1:alarm:*", "arn:aws:cloudwatch:eu-west-1:1:alarm:x:y", true],
    ["ArnLike", "arn:aws:cloudwatch:*:1:alarm:*", "arn:aws:cloudwatch:eu-west-1:2:alarm:x", false],
    ["ArnLike", "arn:aws:*:1:alarm:x", "arn:aws:cloudwatch:eu-west-1:1:alarm:x", false],
  ];
  it.each(cases)("%s %j of %j is %s", (operator, wanted, actual, fulfilled) => {
    const context = actual === undefined ? {} : { "s3:Prefix": actual };
    const Condition = { [operator]: { "s3:prefix": wanted } };
    expect(decideBy([allow({ Condition })], { context })).toBe(
      fulfilled ? "allowed" : "implicitly denied",
    );
  });

  it("holds if all its operators and keys hold", () => {
    const Condition = { StringEquals: { a: "1", b: "2" }, Bool: { c: true } };
    const context = { a: "1", b: "2", c: "true" };
    expect(decideBy([allow({ Condition })], { context })).toBe("allowed");
    for (const key of Object.keys(context)) {
      expect(decideBy([allow({ Condition })], { context: { ...context, [key]: "x" } })).toBe(
        "implicitly denied",
      );
    }
  });
});
