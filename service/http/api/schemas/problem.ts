import { z } from 'zod';

export const ProblemCode = z
  .enum([
    'badRequest',
    'tokenNeeded',
    'tokenWrong',
    'tokenNotSet',
    'tooManyAttempts',
    'crossOrigin',
    'hostNotAllowed',
    'notFound',
    'noStream',
    'noNode',
    'noKeyframe',
    'methodNotAllowed',
    'tooLarge',
    'tooManyClients',
    'nodeUnreachable',
    'internal',
  ])
  .meta({ id: 'ProblemCode' });

/** Every error of the API: problem details (RFC 9457). */
export const Problem = z
  .object({
    type: z.string().describe('about:blank: the status says it all; `code` names the problem'),
    title: z.string(),
    status: z.int().min(400).max(599),
    detail: z.string().describe('What to do about it, in a sentence'),
    code: ProblemCode,
  })
  .meta({ id: 'Problem' });

export type ProblemCode = z.infer<typeof ProblemCode>;
export type Problem = z.infer<typeof Problem>;
