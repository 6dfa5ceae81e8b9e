import { PublishClient } from '../../../service/outputs/forward/publish-client';
import { parseForwardUrl } from '../../../service/outputs/policy/forward-url';
import { CollectingSink } from '../../../service/protocol/chunk/collecting-sink';
import { readDataMessage } from '../../../service/protocol/message/data-message';
import { PlayClient } from '../../../service/relay/play-client';
import { ChunkBuilder, command, control, MessageType, userControl, UserControl } from '../../support/rtmp/wire-builder';
import { Input, pieces } from '../engine/input';
import { must, type Target } from '../engine/target';

const TARGET = parseForwardUrl('rtmp://me:sesame@host/live/hidden-key');
const CUT_BYTES = 8;
/** S0, S1 and S2. */
const SHAKE = Buffer.concat([Buffer.of(3), Buffer.alloc(2 * 1536, 7)]);
/** What may be written for each byte that came, and in all at least. */
const MAX_WRITTEN = { base: 12_000, perByte: 64 };

/** Whatever a server answers: one end at most, no secret in what is told, little to send, in pieces or whole the same. */
export const target: Target = {
  name: 'rtmp-clients',
  reads: 'answers of servers that streams are fetched from, or forwarded to',
  cost: 4,
  steps: { base: 150_000, perByte: 2_000 },
  seeds: () => {
    const answers = (...messages: Parameters<ChunkBuilder['message']>[0][]): Buffer => {
      const chunks = new ChunkBuilder();
      return Buffer.concat([Buffer.alloc(CUT_BYTES, 21), ...messages.map((message) => chunks.message(message))]);
    };
    const info = (code: string, description = '', level = 'status') => ({ level, code, description });
    const connected = command('_result', 1, [{ capsEx: 7, fourCcList: ['*'] }, info('NetConnection.Connect.Success')]);
    const needauth = '[ authmod=adobe ] : ?reason=needauth&user=me&salt=1&challenge=2&opaque=3';
    return [
      answers(
        control(MessageType.windowAckSize, 50),
        connected,
        command('_result', 4, [null, 1]),
        command('onStatus', 0, [null, info('NetStream.Publish.Start')], 1),
        userControl(UserControl.pingRequest, 5),
        command('onStatus', 0, [null, { ...info('NetConnection.Connect.ReconnectRequest'), tcUrl: '//h/app' }]),
      ),
      answers(command('_error', 1, [null, info('NetConnection.Connect.Rejected', needauth, 'error')])),
      answers(
        command('_result', 2, [null, 1]),
        command('onStatus', 0, [null, info('NetStream.Play.Start')], 1),
        { type: MessageType.video, streamId: 1, timestamp: 40, payload: Buffer.from('17010000000000000165', 'hex') },
        command('onStatus', 0, [null, info('NetStream.Play.UnpublishNotify')], 1),
      ),
    ];
  },
  run(data) {
    const bytes = data.subarray(CUT_BYTES);
    for (const client of [publishes, plays]) {
      const whole = client([Buffer.concat([SHAKE, bytes])]);
      const cut = client([SHAKE, ...pieces(bytes, new Input(data.subarray(0, CUT_BYTES)))]);
      must(whole.events.join('\n') === cut.events.join('\n'), 'pieces are understood in another way than the whole');
      for (const { written } of [whole, cut]) {
        must(written <= MAX_WRITTEN.base + MAX_WRITTEN.perByte * bytes.length, 'much is sent for little');
      }
    }
  },
};

interface Course {
  readonly events: string[];
  written: number;
}

function publishes(parts: readonly Buffer[]): Course {
  const course: Course = { events: [], written: 0 };
  let isOver = false;
  const event = (text: string): void => {
    must(!isOver, 'something comes after the end');
    must(!text.includes('hidden-key') && !text.includes('sesame'), 'a secret is told');
    course.events.push(text);
  };
  const client = new PublishClient({
    ...{ target: TARGET, query: '', nonce: () => '01234567' },
    events: {
      ready: (support) => event(`ready ${support.multitrack} ${support.refuses('hvc1', true)}`),
      moved: (tcUrl) => event(`moved ${tcUrl}`),
      challenged: (query) => {
        event(`challenged ${query}`);
        isOver = true;
      },
      ended: (kind, reason) => {
        event(`ended ${kind} ${reason}`);
        isOver = true;
      },
    },
    write: (bytes) => {
      course.written += bytes.length;
    },
  });
  client.start();
  for (const part of parts) client.receive(part);
  client.farewell();
  client.close();
  return course;
}

class Media extends CollectingSink {
  readonly #done: (payload: Buffer) => void;

  constructor(length: number, done: (payload: Buffer) => void) {
    super(length);
    this.#done = done;
  }

  complete(): void {
    this.#done(this.payload);
  }
}

function plays(parts: readonly Buffer[]): Course {
  const course: Course = { events: [], written: 0 };
  let hasFailed = false;
  const event = (text: string): void => {
    if (!hasFailed) course.events.push(text);
  };
  const client = new PlayClient({
    request: { app: 'news', tcUrl: 'rtmp://h/news', streamName: 'relay' },
    events: {
      openMedia: (typeId, timestamp, length) =>
        new Media(length, (payload) => event(`media ${typeId} ${timestamp} ${payload.toString('latin1')}`)),
      data: (typeId, timestamp, payload) => event(`data ${timestamp} ${readDataMessage(typeId, payload)?.name}`),
      unpublished: () => event('unpublished'),
      failed: (reason) => {
        event(`failed ${reason}`);
        hasFailed = true;
      },
    },
    write: (bytes) => {
      course.written += bytes.length;
    },
  });
  client.start();
  // Its owner closes it when it has failed.
  for (const part of parts) {
    if (course.events.at(-1)?.startsWith('failed') !== true) client.receive(part, 0, part.length);
  }
  client.close();
  return course;
}
