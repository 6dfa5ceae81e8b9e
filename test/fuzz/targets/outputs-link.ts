import { FromNode, FromProgram, readMessage } from '../../../service/outputs/link/messages';
import { outputPlan } from '../../../service/outputs/policy/output-plan';
import { FROM_NODE, FROM_PROGRAM } from '../seeds/link-messages';
import { Input } from '../engine/input';
import { poisoned } from '../engine/poison';
import { must, type Target } from '../engine/target';

const DEFAULTS = {
  forward: { urls: [] },
  record: { place: {}, formats: ['flv' as const], streams: 'asked' as const },
  hls: { place: undefined, streams: 'asked' as const },
};

/** A message is not understood, or every field of it can be used. */
export const target: Target = {
  name: 'outputs-link',
  reads: 'what node and rtmp-outputs say to each other',
  maxLength: 1_200,
  steps: { base: 20_000, perByte: 200 },
  seeds: () =>
    [...FROM_NODE, ...FROM_PROGRAM].flatMap((text) =>
      [0, 1, 2].map((places) => Buffer.concat([Buffer.of(places, 1, 5, 2, 0, 3, 1, 4), Buffer.from(text)])),
    ),
  run(data) {
    const input = new Input(data.subarray(0, 8));
    const text = poisoned(data.subarray(8).toString('utf8'), input, input.below(4));
    for (const schema of [FromNode, FromProgram]) {
      const message = readMessage<FromNode | FromProgram>(schema, text);
      if (message === undefined) continue;
      const again = readMessage<FromNode | FromProgram>(schema, JSON.stringify(message));
      must(JSON.stringify(again) === JSON.stringify(message), 'sent on it is another message');
      if (message.kind === 'stream') checkStream(message.stream);
    }
  },
};

function checkStream({ startedAt, policy, place }: (FromNode & { readonly kind: 'stream' })['stream']): void {
  // Recordings are named by it.
  must(new Date(startedAt).toISOString() !== '', 'a time that is none');
  outputPlan(policy, DEFAULTS);
  must(place.port > 0 && place.port <= 65_535, 'a port that is none');
}
