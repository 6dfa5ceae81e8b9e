import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from '@jest/globals';
import { hasObs, sayThatObsIsMissing, streamWithObs } from '../../support/programs/obs';
import { startCallbackServer } from '../../support/servers/callback-server';
import { ServerProcess } from '../../support/servers/server-process';

sayThatObsIsMissing();

/** OBS and its display take some seconds to start. */
const START_MS = 60_000;

interface LiveStream {
  readonly video: {
    readonly codec: string;
    readonly width: number;
    readonly height: number;
    readonly frameRate: number;
  };
  readonly audio: { readonly codec: string } | null;
}

(hasObs ? describe : describe.skip)('OBS Studio', () => {
  test('streams, and reconnects when the server has been killed and started again', async () => {
    const first = await ServerProcess.start({ HTTP_PORT: '0' });
    const { rtmpPort } = first;
    const obs = await streamWithObs(`rtmp://127.0.0.1:${rtmpPort}/obs`, 'key');
    await first.waitForLog(/publish accepted channel=obs/, START_MS);
    await obs.waitForOutput(/==== Streaming Start/, START_MS);
    // The headers come with the first keyframe.
    let stream: LiveStream | undefined;
    while (!stream?.video || !stream.audio) {
      await sleep(100);
      [stream] = (await (await fetch(first.httpUrl('/api/streams'))).json()) as LiveStream[];
    }
    expect(stream).toMatchObject({ video: { codec: 'avc1', width: 640, height: 360 }, audio: { codec: 'mp4a' } });

    await first.stop('SIGKILL');
    const second = await ServerProcess.start({ RTMP_PORT: String(rtmpPort) });
    await second.waitForLog(/publish accepted channel=obs/, START_MS);
    await obs.stop();
    await second.waitForLog(/publish ended channel=obs/);
    await second.stop();
  }, 180_000);

  test('is told by a refusal of the callback that its key is wrong, and does not try again', async () => {
    const handler = await startCallbackServer();
    handler.answerWith(() => ({ status: 403 }));
    const server = await ServerProcess.start({ CALLBACK_URL: handler.url.href, JWT_SECRET: 'x'.repeat(32) });
    const obs = await streamWithObs(`rtmp://127.0.0.1:${server.rtmpPort}/obs`, 'wrong');
    // -3 is OBS_OUTPUT_INVALID_STREAM: "Could not access the specified channel or stream key".
    await obs.waitForOutput(/Connection to rtmp:\S+ failed: -3/, START_MS);
    await obs.stop();
    expect(handler.requests).toHaveLength(1);
    await server.stop();
    await handler.stop();
  }, 120_000);
});
