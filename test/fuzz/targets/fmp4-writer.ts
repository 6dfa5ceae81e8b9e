import { type Fragment, Fragmenter } from '../../../service/outputs/fmp4/fragmenter';
import type { InitSegment } from '../../../service/outputs/fmp4/init-segment';
import { mediaMessages, messageSeeds } from '../seeds/media-sequences';
import { readBoxes, samplesIn } from '../seeds/mp4-reader';
import { Input } from '../engine/input';
import { must, type Target } from '../engine/target';

const FRAGMENT_MS = [100, 500, 2_000];

/** Whatever a publisher sends in whatever order: boxes within boxes, samples within their fragment, times that rise. */
export const target: Target = {
  name: 'fmp4-writer',
  reads: 'messages of a stream, packaged as MP4 fragments for HLS and files',
  maxLength: 600,
  cost: 10,
  steps: { base: 200_000, perByte: 4_000 },
  seeds: messageSeeds,
  run(data) {
    const input = new Input(data);
    const fragmentMs = FRAGMENT_MS[input.number(2) % FRAGMENT_MS.length]!;
    const messages = mediaMessages(input);
    const files: { init: InitSegment; fragments: Fragment[] }[] = [];
    const fragmenter = new Fragmenter({
      fragmentMs,
      sink: {
        begin: (init) => void files.push({ init, fragments: [] }),
        fragment: (fragment) => void files.at(-1)!.fragments.push(fragment),
        unsupported: () => undefined,
      },
    });
    let bytes = 0;
    for (const message of messages) {
      if (message.event === 'gap') fragmenter.gap();
      if (message.event === 'cut') fragmenter.changeSource();
      fragmenter.write(message);
      bytes += message.payload.length;
    }
    fragmenter.end();
    let samplesBytes = 0;
    for (const { init, fragments } of files) {
      const boxes = readBoxes(init.bytes);
      must(boxes.map(({ type }) => type).join() === 'ftyp,moov', 'an init segment of other boxes');
      const last = new Map<number, number>();
      for (const [i, { bytes: fragment, duration, time }] of fragments.entries()) {
        must(Number.isFinite(duration) && duration >= 0 && Number.isFinite(time), 'a fragment without a time');
        const { sequenceNumber, runs } = samplesIn(fragment);
        must(sequenceNumber === i + 1, 'fragments are not numbered in order');
        for (const { track, firstTime, lastTime, size } of runs) {
          must(track >= 1 && track <= init.tracks.length, 'a fragment of a track that there is not');
          must(firstTime > (last.get(track) ?? -1), 'decode times step back');
          last.set(track, lastTime);
          samplesBytes += size;
        }
      }
    }
    must(samplesBytes <= bytes, 'samples have more bytes than were sent');
  },
};
