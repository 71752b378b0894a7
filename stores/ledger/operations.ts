// Conditional writes of single items as plain values, which are sent alone or put together in a transaction.
import type { ItemKey } from "../../contract/ledger-keys.ts";

type Values = Readonly<Record<string, unknown>>;

/** What must be so for a write to be made. */
export interface Condition {
  readonly expression: string;
  readonly names?: Readonly<Record<string, string>>;
  readonly values?: Values;
}

/** One item's part in a write. */
export type Operation =
  | { readonly kind: "check"; readonly key: ItemKey; readonly condition: Condition }
  | PutOperation
  | UpdateOperation;

/** Puts an item in place of what is there. */
export interface PutOperation {
  readonly kind: "put";
  readonly key: ItemKey;
  readonly attributes: Values;
  readonly condition?: Condition;
}

/** Sets attributes of an item, and leaves its others as they are. */
export interface UpdateOperation {
  readonly kind: "update";
  readonly key: ItemKey;
  readonly set: Values;
  readonly condition: Condition;
}

/** There is no such item. */
export const IS_ABSENT: Condition = { expression: "attribute_not_exists(pk)" };

/** The item has these values. Its null is another thing than an attribute that it does not have. */
export function hasValues(values: Values): Condition {
  const entries = Object.entries(values);
  return {
    expression: entries
      .map(([name, value]) =>
        value === null ? `attribute_type(#${name}, :was_${name})` : `#${name} = :was_${name}`,
      )
      .join(" AND "),
    names: Object.fromEntries(entries.map(([name]) => [`#${name}`, name])),
    values: Object.fromEntries(entries.map(([name, value]) => [`:was_${name}`, value ?? "NULL"])),
  };
}

/** An operation as DynamoDB takes it, alone or in a transaction. */
export function putInput(tableName: string, { key, attributes, condition }: PutOperation) {
  return { TableName: tableName, Item: { ...key, ...attributes }, ...conditionInput(condition) };
}

export function updateInput(tableName: string, { key, set, condition }: UpdateOperation) {
  const names = Object.keys(set);
  return {
    TableName: tableName,
    Key: key,
    UpdateExpression: `SET ${names.map((name) => `#${name} = :${name}`).join(", ")}`,
    ConditionExpression: condition.expression,
    ExpressionAttributeNames: {
      ...Object.fromEntries(names.map((name) => [`#${name}`, name])),
      ...condition.names,
    },
    ExpressionAttributeValues: {
      ...Object.fromEntries(Object.entries(set).map(([name, value]) => [`:${name}`, value])),
      ...condition.values,
    },
  };
}

/** One of the operations of a transaction. */
export function transactItem(tableName: string, operation: Operation) {
  switch (operation.kind) {
    case "check":
      return {
        ConditionCheck: {
          TableName: tableName,
          Key: operation.key,
          ConditionExpression: operation.condition.expression,
          ...conditionInput(operation.condition),
        },
      };
    case "put":
      return { Put: putInput(tableName, operation) };
    case "update":
      return { Update: updateInput(tableName, operation) };
  }
}

function conditionInput(condition: Condition | undefined) {
  if (condition === undefined) return {};
  const { expression, names, values } = condition;
  return {
    ConditionExpression: expression,
    ...(names === undefined ? {} : { ExpressionAttributeNames: { ...names } }),
    ...(values === undefined ? {} : { ExpressionAttributeValues: { ...values } }),
  };
}
