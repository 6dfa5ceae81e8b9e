import type { z } from 'zod';
import { isNodeId } from '../../operators/command-parser';
import { ApiProblem } from './problems';
import { Channel } from './schemas/common';
import type { Operation } from './schemas/operations';

/** Matches the path of an operation; its groups are the names in it. */
export function pathPattern(prefix: string, { path }: Operation): RegExp {
  return new RegExp(`^${prefix}${path.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
}

/** The names in a path. @throws ApiProblem when one cannot be a name */
export function readParameters(parameters: Readonly<Record<string, string>>): {
  readonly channel: string;
  readonly node: string;
} {
  const { channel: encoded = '', node = '' } = parameters;
  const channel = decode(encoded);
  if (encoded !== '' && (channel === '' || !Channel.safeParse(channel).success)) {
    throw new ApiProblem('badRequest', 'This cannot be the name of a channel.');
  }
  const id = decode(node);
  if (node !== '' && !isNodeId(id)) throw new ApiProblem('badRequest', 'This cannot be the id of a node.');
  return { channel, node: id };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return '';
  }
}

/** @param where for the message: `the query string` @throws ApiProblem when the value does not fit */
export function readValue<T>(schema: z.ZodType<T>, value: unknown, where: string): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const at = issue?.path.join('.') ?? '';
  throw new ApiProblem('badRequest', `In ${where}${at === '' ? '' : `, ${at}`}: ${issue?.message ?? 'not allowed'}.`);
}
