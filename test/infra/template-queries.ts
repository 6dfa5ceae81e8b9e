import type { Template } from 'aws-cdk-lib/assertions';

export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

interface Resource {
  readonly Type: string;
  readonly Properties?: JsonObject;
  readonly DeletionPolicy?: string;
}

/** Logical id -> resource, of one type. */
export function resourcesOf(template: Template, type: string): Map<string, Resource> {
  return new Map(Object.entries(template.findResources(type) as Record<string, Resource>));
}

/** The properties of the only resource of a type. */
export function onlyResource(template: Template, type: string): JsonObject {
  const [first, ...others] = resourcesOf(template, type).values();
  if (first === undefined || others.length > 0) throw new Error(`${others.length + 1} resources of type ${type}`);
  return first.Properties ?? {};
}

/** `[{Key, Value}]`, as CloudFormation writes attributes, as an object. */
export function attributes(list: Json | undefined): Record<string, Json> {
  const pairs = (list ?? []) as readonly { readonly Key: string; readonly Value: Json }[];
  return Object.fromEntries(pairs.map(({ Key, Value }) => [Key, Value]));
}

/** Environment of a container of the task; values that are known only at deploy are objects. */
export function containerEnvironment(ingest: Template, containerName = 'rtmp'): Record<string, Json> {
  const { ContainerDefinitions } = onlyResource(ingest, 'AWS::ECS::TaskDefinition');
  const containers = ContainerDefinitions as unknown as readonly {
    Name: string;
    Environment: readonly { Name: string; Value: Json }[];
  }[];
  const container = containers.find(({ Name }) => Name === containerName);
  return Object.fromEntries((container?.Environment ?? []).map(({ Name, Value }) => [Name, Value]));
}

/** A value as text: strings as they are, anything else as JSON. */
export function text(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value ?? null);
}

/**
 * What a value refers to, readable: the exported or local logical id without its hash.
 * `{"Fn::GetStackOutput": {"OutputName": "PublishOutputRefJwtSecretB8834B392B9A9162"}}` -> `JwtSecret`.
 */
export function referred(value: Json | undefined): string {
  if (value === null || value === undefined) return '';
  if (typeof value !== 'object') return String(value);
  if (Array.isArray(value)) return (value as readonly Json[]).map((part) => referred(part)).join('');
  const object = value as JsonObject;
  const output = object['Fn::GetStackOutput'];
  if (output !== undefined) return publishedName(text((output as JsonObject).OutputName));
  if (typeof object.Ref === 'string') return withoutHash(object.Ref);
  const attribute = object['Fn::GetAtt'];
  if (Array.isArray(attribute)) return withoutHash(text((attribute as readonly Json[])[0]));
  const join = object['Fn::Join'];
  if (Array.isArray(join)) return referred((join as readonly Json[])[1]);
  return JSON.stringify(object);
}

function publishedName(name: string): string {
  const id = name.replace(/^PublishOutput(Ref|FnGetAtt)/, '');
  return id.replace(/[0-9A-F]{8}.*$/, '');
}

function withoutHash(logicalId: string): string {
  return logicalId.replace(/[0-9A-F]{8}$/, '');
}
