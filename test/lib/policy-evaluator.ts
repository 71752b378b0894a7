// Evaluates IAM policies as AWS documents it for requests inside one account: an explicit Deny wins, an Allow of the
// caller's own policies or of the resource's is enough, and everything else is denied implicitly.
// It throws on what it does not know.
import { z } from "zod";

const textsSchema = z
  .union([z.string(), z.array(z.string())])
  .transform((value) => (typeof value === "string" ? [value] : value));

const principalSchema = z.union([
  z.literal("*"),
  z.strictObject({ AWS: textsSchema.optional(), Service: textsSchema.optional() }),
]);

const conditionSchema = z.record(
  z.string(),
  z.record(
    z.string(),
    z
      .union([z.boolean(), textsSchema])
      .transform((value) => (typeof value === "boolean" ? [String(value)] : value)),
  ),
);

export const statementSchema = z
  .strictObject({
    Sid: z.string().optional(),
    Effect: z.enum(["Allow", "Deny"]),
    Action: textsSchema.optional(),
    NotAction: textsSchema.optional(),
    Resource: textsSchema.optional(),
    NotResource: textsSchema.optional(),
    Principal: principalSchema.optional(),
    Condition: conditionSchema.default({}),
  })
  .refine((one) => (one.Action === undefined) !== (one.NotAction === undefined), {
    error: "needs either Action or NotAction",
  });
export type Statement = z.output<typeof statementSchema>;

/** A policy document whose values are all known. */
export const policySchema = z.strictObject({
  Version: z.literal("2012-10-17"),
  Id: z.string().optional(),
  Statement: z.union([statementSchema.transform((one) => [one]), z.array(statementSchema)]),
});

export interface AccessRequest {
  /** Such as `s3:GetObject`. */
  readonly action: string;
  /** The resource's ARN, or `*` for an action that takes none. */
  readonly resource: string;
  /** A role's ARN, or a service such as `cloudwatch.amazonaws.com`. */
  readonly caller: string;
  /** Condition keys of the request; names are compared without case. */
  readonly context?: Readonly<Record<string, string | readonly string[]>>;
}

export interface Policies {
  /** What is attached to the caller. */
  readonly identity: readonly Statement[];
  /** What is attached to the resource. */
  readonly resource?: readonly Statement[];
}

/** As in IAM: explicitly denied by a statement, or implicitly, because no statement allows it. */
export type Decision = "allowed" | "explicitly denied" | "implicitly denied";

/** @throws Error for a condition operator or policy variable that is not evaluated here */
export function decide(request: AccessRequest, policies: Policies): Decision {
  const matching = [
    ...policies.identity.filter((one) => matches(one, request, false)),
    ...(policies.resource ?? []).filter((one) => matches(one, request, true)),
  ];
  if (matching.some((one) => one.Effect === "Deny")) return "explicitly denied";
  return matching.length > 0 ? "allowed" : "implicitly denied";
}

function matches(statement: Statement, request: AccessRequest, ofResource: boolean): boolean {
  const { Action, NotAction, Resource, NotResource, Principal, Condition } = statement;
  // A resource's policy names whom it means, a caller's own does not.
  if (ofResource !== (Principal !== undefined)) {
    throw new Error(`a statement ${ofResource ? "lacks" : "has"} a Principal: ${show(statement)}`);
  }
  const action = request.action.toLowerCase();
  const isAction = (pattern: string): boolean => isLike(action, pattern.toLowerCase());
  const isResource = (pattern: string): boolean => isLike(request.resource, pattern);
  return (
    (Principal === undefined || isPrincipal(Principal, request.caller)) &&
    (Action?.some(isAction) ?? true) &&
    !(NotAction?.some(isAction) ?? false) &&
    (Resource?.some(isResource) ?? true) &&
    !(NotResource?.some(isResource) ?? false) &&
    Object.entries(Condition).every(([operator, keys]) =>
      Object.entries(keys).every(([key, values]) =>
        isFulfilled(operator, values, contextValues(request, key)),
      ),
    )
  );
}

function isPrincipal(principal: z.output<typeof principalSchema>, caller: string): boolean {
  if (principal === "*") return true;
  const isService = !caller.startsWith("arn:");
  const named = (isService ? principal.Service : principal.AWS) ?? [];
  // An account's root lets the account grant access by its own policies: by itself it allows no caller.
  return named.includes(caller) || (principal.AWS ?? []).includes("*");
}

function contextValues(request: AccessRequest, key: string): readonly string[] | undefined {
  const found = Object.entries(request.context ?? {}).find(
    ([name]) => name.toLowerCase() === key.toLowerCase(),
  )?.[1];
  return typeof found === "string" ? [found] : found;
}

type Comparison = (actual: string, pattern: string) => boolean;

const COMPARISONS: Readonly<Record<string, Comparison>> = {
  StringEquals: (actual, pattern) => actual === pattern,
  StringEqualsIgnoreCase: (actual, pattern) => actual.toLowerCase() === pattern.toLowerCase(),
  StringLike: isLike,
  ArnEquals: isArnLike,
  ArnLike: isArnLike,
  Bool: (actual, pattern) => actual.toLowerCase() === pattern.toLowerCase(),
};

/** Operators that are true where the value is not among those named, and where there is no value. */
const NEGATIONS: Readonly<Record<string, string>> = {
  StringNotEquals: "StringEquals",
  StringNotLike: "StringLike",
  ArnNotEquals: "ArnEquals",
  ArnNotLike: "ArnLike",
};

function isFulfilled(
  operator: string,
  patterns: readonly string[],
  actual: readonly string[] | undefined,
): boolean {
  const [, set, name = "", ifExists] =
    /^(?:(ForAllValues|ForAnyValue):)?(\w+?)(IfExists)?$/.exec(operator) ?? [];
  if (name === "Null") return patterns.includes(String(actual === undefined));
  const negated = NEGATIONS[name] !== undefined;
  const compare = COMPARISONS[NEGATIONS[name] ?? name];
  if (compare === undefined) throw new Error(`the condition operator ${operator} is not evaluated`);
  if (actual === undefined || actual.length === 0) {
    if (set === "ForAnyValue") return false;
    return set === "ForAllValues" || ifExists !== undefined || negated;
  }
  const isOne = (value: string): boolean =>
    patterns.some((pattern) => compare(value, known(pattern))) !== negated;
  if (set === "ForAllValues") return actual.every(isOne);
  if (set === "ForAnyValue") return actual.some(isOne);
  if (actual.length > 1) throw new Error(`${operator} takes one value, not ${show(actual)}`);
  return actual.every(isOne);
}

/** Each of an ARN's six parts is compared for itself. */
function isArnLike(actual: string, pattern: string): boolean {
  const parts = (arn: string): string[] => {
    const all = arn.split(":");
    return [...all.slice(0, 5), all.slice(5).join(":")];
  };
  const actualParts = parts(actual);
  const patternParts = parts(pattern);
  return actualParts.every((part, index) => isLike(part, patternParts[index] ?? ""));
}

/** `*` stands for any characters, `?` for one. */
function isLike(actual: string, pattern: string): boolean {
  const expression = known(pattern)
    .replaceAll(/[.+^${}()|[\]\\]/g, "\\$&")
    .replaceAll("*", ".*")
    .replaceAll("?", ".");
  return new RegExp(`^${expression}$`, "s").test(actual);
}

function known(pattern: string): string {
  if (pattern.includes("${")) throw new Error(`the policy variable in ${pattern} is not evaluated`);
  return pattern;
}

const show = (value: unknown): string => JSON.stringify(value);
