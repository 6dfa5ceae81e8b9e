import { z } from 'zod';
import { Time } from './common';

/** `noData`: the publisher has sent no media yet, or none for a while. */
export const HealthState = z.enum(['good', 'ok', 'bad', 'noData']).meta({ id: 'HealthState' });

export const HealthIssue = z
  .object({
    code: z
      .string()
      .regex(/^[a-z][A-Za-z0-9]*$/)
      .describe('Fixed name of the issue, such as gopSizeLong'),
    severity: z.enum(['info', 'warning', 'error']),
    sentence: z.string().describe('What the streamer has to change'),
    since: Time,
  })
  .meta({ id: 'HealthIssue' });

/** How well a publisher sends, and what it should change. */
export const Health = z
  .object({
    state: HealthState,
    issues: z.array(HealthIssue).describe('The most severe first'),
  })
  .meta({ id: 'Health' });

export type HealthState = z.infer<typeof HealthState>;
export type HealthIssue = z.infer<typeof HealthIssue>;
export type Health = z.infer<typeof Health>;
