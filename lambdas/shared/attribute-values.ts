import type { AttributeValue } from '@aws-sdk/client-dynamodb';

/** A DynamoDB item, or a part of an item, in DynamoDB's notation. */
export type Item = Record<string, AttributeValue>;

/** The types that this project stores; undefined is left out. */
export type StorableValue = string | number | boolean | readonly string[] | undefined;

export function toAttributeValue(value: Exclude<StorableValue, undefined>): AttributeValue {
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'number') return { N: String(value) };
  if (typeof value === 'boolean') return { BOOL: value };
  return { L: value.map((text) => ({ S: text })) };
}

export function toItem(values: Readonly<Record<string, StorableValue>>): Item {
  const item: Item = {};
  for (const [name, value] of Object.entries(values)) {
    if (value !== undefined) item[name] = toAttributeValue(value);
  }
  return item;
}

export function textOf(item: Item, name: string): string | undefined {
  return item[name]?.S;
}

export function numberOf(item: Item, name: string): number | undefined {
  const text = item[name]?.N;
  return text === undefined ? undefined : Number(text);
}

export function flagOf(item: Item, name: string): boolean | undefined {
  return item[name]?.BOOL;
}

/** undefined: there is no such list. */
export function listOf(item: Item, name: string): readonly string[] | undefined {
  return item[name]?.L === undefined ? undefined : textsOf(item, name);
}

export function textsOf(item: Item, name: string): readonly string[] {
  return (item[name]?.L ?? []).flatMap((element) => (element.S === undefined ? [] : [element.S]));
}
