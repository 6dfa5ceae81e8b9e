import { afterEach, describe, expect, test } from '@jest/globals';
import { setTimeout as sleep } from 'node:timers/promises';
import { StreamDetail } from '../../service/http/api/schemas/stream';
import { ffmpeg } from '../support/programs/ffmpeg';
import { publishTestPictureWithGstreamer } from '../support/programs/gstreamer';
import type { Program } from '../support/programs/program';
import { ServerProcess } from '../support/servers/server-process';

/** What a busy machine can cause: the programs here may not keep up with real time. */
const PACE = ['videoIngestionStarved', 'videoIngestionFasterThanRealtime', 'mediaGap'];
const WAIT_MS = 120_000;

let server: ServerProcess | undefined;
afterEach(async () => {
  await server?.stop();
});

const start = async (): Promise<ServerProcess> => {
  server = await ServerProcess.start({ HTTP_PORT: '0', MAX_IP_CONCURRENT_CONNECTIONS: '100' });
  return server;
};

/** Codes of the issues that streams have now. */
async function issues(node: ServerProcess): Promise<string[]> {
  const text = await (await fetch(node.httpUrl('/metrics'))).text();
  return [...text.matchAll(/^rtmp_stream_issues\{code="(\w+)"\} [1-9]/gm)].map(([, code]) => code!);
}

/** Asks once a second, until the answer is true. */
async function until(isTrue: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + WAIT_MS;
  while (!(await isTrue())) {
    if (Date.now() > deadline) throw new Error('waited too long');
    await sleep(1_000);
  }
}

const pictures = (size = '160x96', rate = 25, speed = '-re'): string =>
  `${speed} -f lavfi -i testsrc2=size=${size}:rate=${rate}`;
const tone = (rate = 48_000, speed = '-re'): string => `${speed} -f lavfi -i sine=sample_rate=${rate}`;
const h264 = '-c:v libx264 -preset ultrafast -threads 1';
const usual = `${h264} -g 50 -c:a aac`;

function publish(args: string, url: string): Program {
  return ffmpeg([...args.split(' '), '-f', 'flv', url], WAIT_MS + 60_000);
}

describe('faults of real encoders', () => {
  const faults: [codes: string[], args: string][] = [
    [['gopSizeLong'], `${pictures()} ${tone()} ${h264} -g 300 -keyint_min 300 -sc_threshold 0 -c:a aac`],
    [['gopSizeShort'], `${pictures()} ${tone()} ${h264} -g 1 -c:a aac`],
    [['openGop'], `${pictures()} ${tone()} -c:v libx264 -threads 1 -x264opts open-gop=1:keyint=25:bframes=2 -c:a aac`],
    [
      ['framerateMismatch'],
      `${pictures('160x96', 50)} ${tone()} -vf select=not(mod(n\\,2)) -vsync passthrough ${usual}`,
    ],
    [['frameRateHigh'], `${pictures('160x96', 100)} ${tone()} ${h264} -g 200 -c:a aac`],
    [['resolutionMismatch'], `${pictures('320x192')} ${tone()} ${usual} -bsf:v h264_metadata=crop_right=160`],
    [['bitrateLow'], `${pictures('640x360', 5)} ${tone()} ${h264} -g 10 -b:v 5k -maxrate 5k -bufsize 5k -c:a aac`],
    [['videoProfileMismatch'], `${pictures()} ${tone()} ${usual} -pix_fmt yuv444p`],
    [['interlacedVideo'], `${pictures()} ${tone()} ${usual} -flags +ildct+ilme -x264opts tff=1`],
    [['noAudioStream'], `${pictures()} ${h264} -g 50`],
    [['noVideoStream'], `${tone()} -c:a aac`],
    [['audioSampleRate'], `${pictures()} ${tone(22_050)} ${usual}`],
    [['videoCodec', 'audioCodec'], `${pictures()} ${tone(44_100)} -c:v flv1 -g 50 -c:a adpcm_swf`],
    [['videoIngestionStarved'], `${pictures('160x96', 25, '-readrate 0.5')} ${tone(48_000, '-readrate 0.5')} ${usual}`],
    [
      ['videoIngestionFasterThanRealtime'],
      `${pictures('160x96', 25, '-readrate 2')} ${tone(48_000, '-readrate 2')} ${usual}`,
    ],
    [
      ['timestampJump'],
      `${pictures()} ${tone()} ${usual} -bsf:v setts=ts=TS+gte(N\\,250)*30000 -bsf:a setts=ts=TS+gte(N\\,469)*30000`,
    ],
  ];

  test(
    'are all named',
    async () => {
      const node = await start();
      const publishers = faults.map(([codes, args]) => publish(args, node.rtmpUrl(codes[0]!, 'key')));
      const wanted = faults.flatMap(([codes]) => codes);
      const seen = new Set<string>();
      await until(async () => {
        for (const code of await issues(node)) seen.add(code);
        return wanted.every((code) => seen.has(code));
      }).catch((error: unknown) => {
        const missing = wanted.filter((code) => !seen.has(code));
        throw new Error(`not seen: ${missing.join()}\n${publishers.map(({ output }) => output).join('')}`, {
          cause: error,
        });
      });
      await Promise.all(publishers.map((publisher) => publisher.kill()));
    },
    WAIT_MS + 60_000,
  );

  test(
    'a writer that stopped, in metrics, in the API and among its events',
    async () => {
      const node = await start();
      const publisher = publish(`${pictures()} ${tone()} ${usual}`, node.rtmpUrl('gap', 'key'));
      await until(async () => (await (await fetch(node.httpUrl('/metrics'))).text()).includes('{state="good"} 1'));
      publisher.signal('SIGSTOP');
      await until(async () => (await issues(node)).includes('mediaGap'));
      const answer = await fetch(node.httpUrl('/api/v1/streams/gap'));
      const { health, history, video, client, events } = StreamDetail.parse(await answer.json());
      expect(health.issues.find(({ code }) => code === 'mediaGap')?.sentence).toMatch(
        /^No video and no sound came for/,
      );
      expect(video).toMatchObject({ codec: 'avc1', width: 160, height: 96 });
      expect(client.encoder).toMatch(/^Lavf/);
      expect(history.fps.length).toBeGreaterThan(0);
      expect(events.filter(({ type }) => type === 'stream.health').length).toBeGreaterThan(1);
      publisher.signal('SIGCONT');
      await publisher.kill();
    },
    WAIT_MS + 60_000,
  );
});

describe('what encoders send with usual settings has no issue', () => {
  const senders: Readonly<Record<string, string>> = {
    'ffmpeg: x264 and AAC as they are': `${pictures('320x180')} ${tone()} -threads 1 -c:v libx264 -preset veryfast -c:a aac`,
    'ffmpeg: ultrafast, MP3': `${pictures('320x180', 30)} ${tone(44_100)} ${h264} -c:a libmp3lame`,
    'OBS: CBR 2500 kbit/s, 30 frames a second, keyframes every 2 s, AAC of 160 kbit/s':
      `${pictures('640x360', 30)} ${tone()} ${h264} -profile:v high -b:v 2500k -maxrate 2500k -bufsize 2500k -g 60 ` +
      '-x264opts nal-hrd=cbr -c:a aac -b:a 160k -ac 2',
    'OBS: CBR, 60 frames a second, 2 B-frames, 44.1 kHz':
      `${pictures('320x180', 60)} ${tone(44_100)} ${h264} -bf 2 -b:v 2500k -maxrate 2500k -bufsize 2500k -g 120 ` +
      '-c:a aac -b:a 128k -ac 2',
    'a still picture and silence': `-re -f lavfi -i smptebars=size=640x360:rate=25 -re -f lavfi -i anullsrc ${h264} -c:a aac`,
  };

  test(
    `${Object.keys(senders).join('; ')}; GStreamer: openh264enc, voaacenc and flvmux as they are`,
    async () => {
      const node = await start();
      const publishers = Object.values(senders).map((args, i) => publish(args, node.rtmpUrl(`sender${i}`, 'key')));
      publishers.push(publishTestPictureWithGstreamer(node.rtmpUrl('gstreamer', 'key'), WAIT_MS + 60_000));
      await until(async () => {
        expect((await issues(node)).filter((code) => !PACE.includes(code))).toEqual([]);
        const answer = await fetch(node.httpUrl('/api/streams'));
        const streams = (await answer.json()) as { uptimeSeconds: number }[];
        return streams.filter(({ uptimeSeconds }) => uptimeSeconds >= 40).length === publishers.length;
      });
      await Promise.all(publishers.map((publisher) => publisher.kill()));
    },
    WAIT_MS + 60_000,
  );
});
