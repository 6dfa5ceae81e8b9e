import { toItem, type Item, type StorableValue } from './attribute-values';

/** Changes to one item, their condition, and the values that the condition compares with. */
export interface ItemChange {
  /** An attribute whose value is undefined is removed. */
  readonly set?: Readonly<Record<string, StorableValue>>;
  /** Attributes set from an expression over other attributes, written with `#name` placeholders. */
  readonly setFrom?: Readonly<Record<string, string>>;
  /** Written with `#name` for attributes and `:name` for the values of `compare`. */
  readonly condition?: string;
  readonly compare?: Readonly<Record<string, StorableValue>>;
}

export interface UpdateExpression {
  readonly UpdateExpression: string;
  readonly ConditionExpression?: string;
  readonly ExpressionAttributeNames: Record<string, string>;
  /** Absent when there is none: DynamoDB refuses an empty map. */
  readonly ExpressionAttributeValues?: Item;
}

/** DynamoDB reserves hundreds of words (`ttl`, `enabled` …): every attribute goes through a placeholder. */
export function updateExpression(change: ItemChange): UpdateExpression {
  const given = Object.entries(change.set ?? {});
  const set = given.filter(([, value]) => value !== undefined);
  const removals = given.filter(([, value]) => value === undefined).map(([name]) => `#${name}`);
  const assignments = [
    ...set.map(([name]) => `#${name} = :set_${name}`),
    ...Object.entries(change.setFrom ?? {}).map(([name, expression]) => `#${name} = ${expression}`),
  ];
  const text = [
    ...(assignments.length > 0 ? [`SET ${assignments.join(', ')}`] : []),
    ...(removals.length > 0 ? [`REMOVE ${removals.join(', ')}`] : []),
  ].join(' ');
  const names = new Set(`${text} ${change.condition ?? ''}`.match(/#\w+/g));
  const values = toItem({
    ...Object.fromEntries(set.map(([name, value]) => [`:set_${name}`, value])),
    ...Object.fromEntries(Object.entries(change.compare ?? {}).map(([name, value]) => [`:${name}`, value])),
  });
  return {
    UpdateExpression: text,
    ...(change.condition === undefined ? {} : { ConditionExpression: change.condition }),
    ExpressionAttributeNames: Object.fromEntries([...names].map((name) => [name, name.slice(1)])),
    ...(Object.keys(values).length > 0 ? { ExpressionAttributeValues: values } : {}),
  };
}
