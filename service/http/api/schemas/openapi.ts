import { z } from 'zod';
import { Figures } from './figures';
import { type Operation, OPERATIONS } from './operations';
import { Problem } from './problem';

type Json = Readonly<Record<string, unknown>>;

const ref = (id: string): Json => ({ $ref: `#/components/schemas/${id}` });

/** The OpenAPI document (3.1) of the API, made from the schemas that check requests. */
export function openApiDocument(): Json {
  return {
    openapi: '3.1.0',
    info: {
      title: "Operators' API of the RTMP ingest fleet",
      version: '1',
      description:
        'Whichever node is asked answers for the fleet. Errors are problem details (RFC 9457). New fields and new kinds of events may be added; clients have to ignore what they do not know.',
    },
    servers: [{ url: '/api/v1' }],
    paths: paths(),
    components: {
      securitySchemes: {
        token: { type: 'http', scheme: 'bearer', description: 'OPERATOR_TOKEN' },
        login: { type: 'apiKey', in: 'cookie', name: 'rtmp_operator' },
      },
      schemas: componentSchemas(),
    },
  };
}

function paths(): Json {
  const found: Record<string, Record<string, Json>> = {};
  for (const [name, operation] of Object.entries(OPERATIONS) as [string, Operation][]) {
    found[operation.path] = { ...found[operation.path], [operation.method.toLowerCase()]: describe(name, operation) };
  }
  return found;
}

function describe(operationId: string, operation: Operation): Json {
  const { summary, access, body, path, query } = operation;
  const parameters = [...pathParameters(path), ...queryParameters(query)];
  return {
    operationId,
    summary,
    ...(parameters.length > 0 && { parameters }),
    ...(body && {
      requestBody: { required: true, content: { 'application/json': { schema: ref(idOf(body)) } } },
    }),
    responses: {
      200: { description: 'Done', content: content(operation) },
      default: { description: 'A problem', content: { 'application/problem+json': { schema: ref(idOf(Problem)) } } },
    },
    ...(access !== 'open' && {
      security: access === 'read' ? [{}, { token: [] }, { login: [] }] : [{ token: [] }, { login: [] }],
    }),
  };
}

function content({ answer, media }: Operation): Json {
  return {
    ...(answer && { 'application/json': { schema: ref(idOf(answer)) } }),
    ...(media === 'text/event-stream' && {
      [media]: {
        schema: { type: 'string', description: `Each message is an Event, or Figures with the name "figures".` },
      },
    }),
    ...(media !== undefined &&
      media !== 'text/event-stream' && { [media]: { schema: { type: 'string', format: 'binary' } } }),
  };
}

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }));
}

function queryParameters(query: z.ZodObject | undefined): Json[] {
  return Object.entries(query?.shape ?? {}).map(([name, schema]) => {
    const { $schema: _, description, ...rest } = z.toJSONSchema(schema as z.ZodType, { io: 'input' });
    return { name, in: 'query', ...(description !== undefined && { description }), schema: inlined(rest) };
  });
}

/** A parameter's schema stands alone. */
function inlined({ $defs, $ref, id: _, ...plain }: Json): Json {
  if (typeof $ref !== 'string') return plain;
  const { id: _id, ...named } = (($defs ?? {}) as Record<string, Json>)[$ref.replace(/^.*\//, '')] ?? {};
  return { ...named, ...plain };
}

function componentSchemas(): Json {
  const operations: readonly Operation[] = Object.values(OPERATIONS);
  const used = operations.flatMap(({ answer, body }) => [answer, body]);
  const found: Record<string, Json> = {};
  // Figures are part of the event stream, which has no schema of its own.
  for (const root of [Problem, Figures, ...used]) {
    if (root === undefined) continue;
    const { $defs, $schema: _, ...schema } = z.toJSONSchema(root, { io: 'input' });
    if (schema.$ref === undefined) found[idOf(root)] = schema;
    Object.assign(found, $defs);
  }
  const text = JSON.stringify(found).replaceAll('"#/$defs/', '"#/components/schemas/');
  const schemas = JSON.parse(text) as Record<string, { id?: string }>;
  for (const schema of Object.values(schemas)) delete schema.id;
  return Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function idOf(schema: z.ZodType): string {
  const id = schema.meta()?.id;
  if (id === undefined) throw new Error('a schema of the API has no id');
  return id;
}
