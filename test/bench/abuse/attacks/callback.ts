import { addressesOfManyNetworks, ipv4Addresses } from '../addresses';
import type { Attack, AttackContext, HandlerManner } from '../attack';
import { command, connected } from '../attacker-bytes';
import { churn, flood } from '../flood';

const KEY = 'key';
const STREAM_ID = 1;
const QUESTIONS = 'question-queue.ts: 4 questions of an address, 240 in all';
const MANY = 400;

function publishing(channel: string, key: string): Buffer {
  return Buffer.concat([connected(channel), command(STREAM_ID, ['publish', 3, null, key, 'live'])]);
}

/** Handlers that somebody has taken over: what they answer about the attacker's channel. */
const HOSTILE: Readonly<
  Record<Exclude<HandlerManner, 'accepts' | 'refuses'>, readonly [title: string, bound: string]>
> = {
  huge: ['a body without an end', 'MAX_BODY_BYTES 64 KB'],
  trickles: ['headers that come slowly, without an end', 'CALLBACK_TIMEOUT_SECONDS, 16 KB of headers'],
  headers: ['headers without an end', 'Node.js: 16 KB of headers'],
  redirects: ['a redirect', 'never followed'],
  odd: ['headers that make no sense', 'stream-grant.ts, answer-headers.ts'],
  silent: ['nothing', 'CALLBACK_TIMEOUT_SECONDS, MAX_LATE_CALLBACKS 64, breaker.ts'],
};

/** Attacks by way of the callback: questions without number, guesses of keys, and hostile answers. */
export const callbackAttacks: readonly Attack[] = [
  {
    name: 'publish-reset',
    title: 'publish, then reset at once, again and again',
    ...{ bound: QUESTIONS, needs: ['callback'] },
    run: (context) => churn(context, publishing('victim', KEY)),
  },
  {
    name: 'publish-reset-many',
    title: 'the same from ever new IPv4 addresses',
    ...{ bound: QUESTIONS, needs: ['callback'] },
    run: (context) => churn(context, publishing('victim', KEY), ipv4Addresses()),
  },
  {
    name: 'publish-reset-query',
    title: 'the same with queries of 60 KB, from one address',
    ...{ bound: 'MAX_QUERY_BYTES 1,024', needs: ['callback'] },
    run: (context) => churn(context, publishing('victim', `${KEY}?${'q'.repeat(60_000)}`)),
  },
  {
    name: 'key-guesses',
    title: 'guesses of a stream key from one address',
    ...{ bound: 'refusal-delays.ts: 2 s for each guess', needs: ['callback'], handler: 'refuses' },
    run: (context) => guesses(context, 4),
  },
  {
    name: 'key-guesses-48',
    title: 'guesses of a stream key from ever new /64 networks',
    ...{ bound: 'one question about a channel at a time', needs: ['callback', 'ipv6'], handler: 'refuses' },
    run: (context) => guesses(context, MANY, addressesOfManyNetworks()),
  },
  ...Object.entries(HOSTILE).map(([manner, [title, bound]]): Attack => ({
    name: `handler-${manner}`,
    title: `a handler that answers ${title}`,
    ...{ bound, needs: ['callback'] as const, handler: manner as HandlerManner },
    env: { CALLBACK_TIMEOUT_SECONDS: '2' },
    run: (context) =>
      flood(context, {
        ...{ opening: publishing('victim', KEY), repeated: Buffer.alloc(0), connections: 32, reads: true },
        from: ipv4Addresses(),
      }),
  })),
];

async function guesses(context: AttackContext, connections: number, from?: () => string): Promise<void> {
  const opening = publishing('victim', 'guess-1');
  await flood(context, { opening, repeated: Buffer.alloc(0), connections, reads: true, ...(from && { from }) });
}
