type Json = Readonly<Record<string, unknown>>;

/** Fields of schemas that clients rely on: a change of one of them is a change of the schema. */
const MEANING = ['type', '$ref', 'format', 'const', 'items', 'anyOf', 'oneOf', 'pattern'];

/**
 * What a client of one OpenAPI document could rely on that another does not promise, in words. Covers what this API
 * uses: operations, parameters, bodies and the properties of named schemas.
 */
export function breakingChanges(before: object, after: object): string[] {
  const found: string[] = [];
  const schemasOf = (document: object): Json => at(document, 'components', 'schemas');
  const bodies = bodiesOf(before);
  for (const [path, methods] of Object.entries(at(before, 'paths'))) {
    for (const [method, operation] of Object.entries(methods as Json)) {
      const name = `${method} ${path}`;
      const next = at(after, 'paths', path, method);
      if (Object.keys(next).length === 0) found.push(`${name} is gone`);
      else found.push(...operationChanges(name, operation as Json, next));
    }
  }
  for (const [name, schema] of Object.entries(schemasOf(before))) {
    const next = schemasOf(after)[name] as Json | undefined;
    if (next === undefined) found.push(`the schema ${name} is gone`);
    else found.push(...schemaChanges(name, schema as Json, next, bodies.has(name)));
  }
  return found;
}

function operationChanges(name: string, before: Json, after: Json): string[] {
  const found: string[] = [];
  const parameters = (operation: Json): Json[] => (operation.parameters ?? []) as Json[];
  for (const parameter of parameters(before)) {
    const next = parameters(after).find((each) => each.name === parameter.name);
    if (next === undefined) found.push(`${name}: the parameter ${String(parameter.name)} is gone`);
    else if (takesLess(parameter.schema as Json, next.schema as Json)) {
      found.push(`${name}: the parameter ${String(parameter.name)} takes less`);
    }
  }
  for (const parameter of parameters(after)) {
    const isNew = !parameters(before).some((each) => each.name === parameter.name);
    if (isNew && parameter.required === true) found.push(`${name} needs the parameter ${String(parameter.name)}`);
  }
  for (const part of ['requestBody', 'responses']) {
    if (before[part] !== undefined && !isSame(before[part], after[part])) found.push(`${name}: other ${part}`);
  }
  return found;
}

function schemaChanges(name: string, before: Json, after: Json, isBody: boolean): string[] {
  const found: string[] = [];
  for (const [field, schema] of Object.entries(at(before, 'properties'))) {
    const next = at(after, 'properties')[field] as Json | undefined;
    if (next === undefined) found.push(`${name}.${field} is gone`);
    else found.push(...schemaChanges(`${name}.${field}`, schema as Json, next, isBody));
  }
  for (const part of MEANING)
    if (!isSame(before[part], after[part]) && !isMore(part, before, after)) found.push(`${name}: other ${part}`);
  const required = (schema: Json): string[] => (schema.required ?? []) as string[];
  if (isBody) {
    for (const field of required(after)) if (!required(before).includes(field)) found.push(`${name} needs ${field}`);
    if (takesLess(before, after)) found.push(`${name} takes less`);
  } else {
    const properties = at(after, 'properties');
    for (const field of required(before)) {
      if (properties[field] !== undefined && !required(after).includes(field))
        found.push(`${name}.${field} may be missing`);
    }
  }
  return found;
}

/** New kinds of events: clients have to ignore those that they do not know. */
function isMore(part: string, before: Json, after: Json): boolean {
  const [former, next] = [before[part], after[part]];
  if (part !== 'oneOf' || !Array.isArray(former) || !Array.isArray(next)) return false;
  return former.every((each) => next.some((other) => isSame(each, other)));
}

function takesLess(before: Json, after: Json): boolean {
  const limits = (['maximum', 'maxLength'] as const).some(
    (limit) => Number(after[limit] ?? Infinity) < Number(before[limit] ?? Infinity),
  );
  const floors = (['minimum', 'minLength'] as const).some(
    (limit) => Number(after[limit] ?? 0) > Number(before[limit] ?? 0),
  );
  const values = (schema: Json): unknown[] => (schema.enum ?? []) as unknown[];
  const lost = after.enum !== undefined && values(before).some((value) => !values(after).includes(value));
  return limits || floors || lost || before.type !== after.type;
}

/** Names of schemas that clients send. */
function bodiesOf(document: object): Set<string> {
  const texts = Object.values(at(document, 'paths')).flatMap((methods) =>
    Object.values(methods as Json).map((operation) => JSON.stringify((operation as Json).requestBody ?? {})),
  );
  return new Set(texts.flatMap((text) => [...text.matchAll(/schemas\/(\w+)/g)].map(([, name]) => name ?? '')));
}

function at(value: object, ...names: readonly string[]): Json {
  return names.reduce<Json>((each, name) => (each[name] ?? {}) as Json, value as Json);
}

function isSame(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
