import { describe, expect, test } from '@jest/globals';
import { StreamJoiner } from '../../../../service/outputs/follow/stream-joiner';
import type { MediaMessage } from '../../../../service/outputs/stream/output';
import { MediaFlag } from '../../../../service/protocol/media/media-tag';

const VIDEO_HEADER = 7;
const AUDIO_HEADER = 3;

/** A joiner whose outputs get short texts, such as `K1000`, `V1040`, `A1000`, `gap 2000`. */
class Rig {
  readonly got: string[] = [];
  readonly joiner = new StreamJoiner({
    write: ({ flags, timestamp, payload }) => {
      const kind = (flags & MediaFlag.Config) !== 0 ? 'H' : (flags & MediaFlag.Data) !== 0 ? 'D' : letter(flags);
      this.got.push(kind === 'H' || kind === 'D' ? payload.toString() : `${kind}${timestamp}`);
    },
    gap: (missingMs) => this.got.push(`gap ${missingMs}`),
  });
  now = 0;

  /** Messages in this notation; times pass as in the stream, unless `at` says when all are read. */
  take(texts: string, at?: number): this {
    for (const text of texts.split(' ')) {
      const time = Number(text.slice(1));
      if (at === undefined && !Number.isNaN(time)) this.now = Math.max(this.now, time);
      this.#give(text, time, at ?? this.now);
    }
    return this;
  }

  /** What outputs got since the last call. */
  taken(): string {
    return this.got.splice(0).join(' ');
  }

  #give(text: string, timestamp: number, at: number): void {
    const payload = Buffer.from(text);
    const message = (flags: number): MediaMessage => ({ typeId: 9, timestamp, payload, flags });
    const sequence = MediaFlag.Config | MediaFlag.SequenceHeader;
    if (text.startsWith('hv')) this.joiner.take(message(MediaFlag.Video | sequence), VIDEO_HEADER, at);
    else if (text.startsWith('ha')) this.joiner.take(message(MediaFlag.Audio | sequence), AUDIO_HEADER, at);
    else if (text.startsWith('on')) this.joiner.take(message(MediaFlag.Data), 0, at);
    else if (text.startsWith('K')) this.joiner.take(message(MediaFlag.Video | MediaFlag.Keyframe), 0, at);
    else this.joiner.take(message(text.startsWith('V') ? MediaFlag.Video : MediaFlag.Audio), 0, at);
  }
}

function letter(flags: number): string {
  if ((flags & MediaFlag.Keyframe) !== 0) return 'K';
  return (flags & MediaFlag.Video) !== 0 ? 'V' : 'A';
}

const START = 'onMetaData hv1 ha1 K0 A0 V40 A40';

test('one connection is passed on as it is', () => {
  expect(new Rig().take(START).taken()).toBe(START);
});

test('an output that is added later gets metadata and headers, audio first', () => {
  const rig = new Rig().take(START).take('hv2');
  expect(rig.joiner.headers().map(({ payload }) => payload.toString())).toEqual(['onMetaData', 'ha1', 'hv2']);
});

describe('after a break', () => {
  test('nothing is missing if the new connection begins with what was there already', () => {
    const rig = new Rig().take(START);
    rig.taken();
    rig.joiner.broke();
    rig.take('onMetaData ha1 hv1 K0 A0 V40 A40 V80 A80 V120');
    expect(rig.taken()).toBe('V80 A80 V120');
  });

  test('a keyframe later than the last frame is a gap, with the headers again', () => {
    const rig = new Rig().take(START);
    rig.taken();
    rig.joiner.broke();
    rig.take('onMetaData ha1 hv1 A1990 K2000 A2000 V2040');
    expect(rig.taken()).toBe('gap 1960 onMetaData ha1 hv1 K2000 A2000 V2040');
  });

  test('a gap is no longer than the break, whatever the clock of the publisher says', () => {
    const rig = new Rig().take(START);
    rig.taken();
    rig.joiner.broke();
    rig.take('K72000000 V72000040', 3_040);
    expect(rig.taken()).toBe('gap 4000 onMetaData ha1 hv1 K72000000 V72000040');
  });

  test('a clock that has stepped back far is no repetition: the stream continues at once', () => {
    const rig = new Rig().take('onMetaData hv1 ha1 K3600000 A3600000 V3600040');
    rig.taken();
    rig.joiner.broke();
    rig.take('onMetaData ha1 hv1 A0 K0 A10 V40', 3_605_000);
    expect(rig.taken()).toBe('gap 4960 onMetaData ha1 hv1 K0 A10 V40');
  });

  test('a long group of pictures is repeated from its keyframe', () => {
    const rig = new Rig().take('hv1 K0').take('V30000 V60000');
    rig.taken();
    rig.joiner.broke();
    rig.take('hv1 K0 V30000 V60000 V60040', 60_100);
    expect(rig.taken()).toBe('V60040');
  });

  test('a header that has changed meanwhile is passed on', () => {
    const rig = new Rig().take(START);
    rig.taken();
    rig.joiner.broke();
    rig.take('hv2 ha1 K2000');
    expect(rig.taken()).toBe('hv2 gap 1960 onMetaData ha1 hv2 K2000');
  });

  test('a second break does not confuse it', () => {
    const rig = new Rig().take(START);
    rig.joiner.broke();
    rig.take('hv1 K0 V40');
    rig.joiner.broke();
    rig.taken();
    rig.take('hv1 ha1 K0 A0 V40 A40 V80 A80');
    expect(rig.taken()).toBe('V80 A80');
  });

  test('a stream of audio alone joins by its audio', () => {
    const rig = new Rig().take('ha1 A0 A20');
    rig.taken();
    rig.joiner.broke();
    rig.take('ha1 A20 A40');
    expect(rig.taken()).toBe('A40');
    rig.joiner.broke();
    rig.take('ha1 A1040 A1060');
    expect(rig.taken()).toBe('gap 1000 ha1 A1040 A1060');
  });

  test('before the first frame there is nothing to join', () => {
    const rig = new Rig();
    rig.joiner.broke();
    expect(rig.take(START).taken()).toBe(START);
  });
});

describe('what the node left out', () => {
  test('is found by a jump that was not waited for, of a program that lags', () => {
    const rig = new Rig().take(START).take('V80', 5_000);
    rig.taken();
    rig.take('K5000 V5040', 5_010);
    expect(rig.taken()).toBe('gap 4920 onMetaData ha1 hv1 K5000 V5040');
  });

  test('is found while frames from before arrive late', () => {
    const rig = new Rig().take(START).take('V80 V120', 6_000);
    rig.taken();
    rig.take('K3000 V3040', 6_010).take('K8000', 8_000);
    expect(rig.taken()).toBe('gap 2880 onMetaData ha1 hv1 K3000 V3040 gap 4960 onMetaData ha1 hv1 K8000');
  });

  test.each([2_000, 72_000_000])('is not what a clock of the publisher that steps by %p ms leaves out', (step) => {
    const rig = new Rig().take(START);
    rig.taken();
    const texts = [1, 2, 3].map((n) => `K${n * step} V${n * step + 40}`);
    for (const [n, text] of texts.entries()) rig.take(text, 1_000 * n);
    expect(rig.taken()).toBe(texts.join(' '));
  });

  test('is not what a clock that steps ahead and back leaves out', () => {
    const rig = new Rig().take(START);
    rig.taken();
    let expected = '';
    for (let n = 1; n <= 20; n += 1) {
      const text = `K${n * 500 + (n % 2) * 2_000}`;
      rig.take(text, n * 500);
      expected += `${text} `;
    }
    expect(rig.taken()).toBe(expected.trim());
  });

  test('is not what an encoder has not sent', () => {
    const rig = new Rig().take(START);
    rig.taken();
    expect(rig.take('K5000 V5040').taken()).toBe('K5000 V5040');
  });
});

test('a program short of memory leaves everything out until a keyframe, and says so', () => {
  const rig = new Rig().take(START);
  rig.taken();
  rig.joiner.shed();
  rig.take('V80 A80 V120 A120');
  expect(rig.taken()).toBe('');
  rig.take('K1000 A1000');
  expect(rig.taken()).toBe('gap 960 onMetaData ha1 hv1 K1000 A1000');
});
