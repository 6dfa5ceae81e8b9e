import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { CreateBucketCommand, GetObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Moto, motoPython, sayThatMotoIsMissing } from '../checks/moto';
import { packetsOfFile, publishWithFfmpeg, sourceFile } from '../support/programs/ffmpeg';
import { DeploymentOfFile } from './deployment-of-file';
import { createChannel } from './stream-channels';

sayThatMotoIsMissing();

// `npm run local` has no outputs: it would need Python for an S3.
(motoPython === undefined ? describe.skip : describe)("tasks with outputs, and somebody else's S3", () => {
  let moto: Moto | undefined;
  let s3: S3Client | undefined;
  const folder = mkdtempSync(join(tmpdir(), 'local-outputs-'));
  beforeAll(async () => {
    moto = await Moto.start();
    s3 = new S3Client({
      ...{ endpoint: moto.url, region: 'us-east-1', forcePathStyle: true },
      credentials: { accessKeyId: 'testing', secretAccessKey: 'testing' },
    });
    for (const name of ['recordings', 'hlsbucket']) await s3.send(new CreateBucketCommand({ Bucket: name }));
  }, 300_000);
  const file = DeploymentOfFile.start(() => ({ s3: moto!.url }));
  afterAll(async () => {
    s3?.destroy();
    await moto?.stop();
    rmSync(folder, { recursive: true });
  });

  async function keysIn(bucket: string): Promise<string[]> {
    const { Contents = [] } = await s3!.send(new ListObjectsV2Command({ Bucket: bucket }));
    return Contents.map(({ Key = '' }) => Key);
  }

  test('a stream is recorded, bit for bit, and playable from the bucket of CloudFront', async () => {
    const key = await createChannel(file.deployment, 'news');
    const source = await sourceFile('h264-aac');
    await publishWithFfmpeg(source, file.url('rtmps', 'news', key)).succeeded();
    let recorded: string | undefined;
    await file.until(
      'a recording',
      async () => {
        recorded = (await keysIn('recordings')).find((name) => name.endsWith('.flv'));
        return recorded !== undefined;
      },
      40_000,
    );
    expect(recorded).toMatch(/^news\/\d{4}\/\d\d\/\d\d\/[\w-]+\.flv$/);
    const { Body } = await s3!.send(new GetObjectCommand({ Bucket: 'recordings', Key: recorded }));
    const copy = join(folder, 'copy.flv');
    writeFileSync(copy, (await Body?.transformToByteArray()) ?? new Uint8Array());
    expect(await packetsOfFile(copy)).toEqual(await packetsOfFile(source));
    await file.until('a playlist', async () => (await keysIn('hlsbucket')).includes('news/index.m3u8'));
    expect((await keysIn('hlsbucket')).some((name) => /^news\/.*\.(?:m4s|mp4)$/.test(name))).toBe(true);
  });

  test('both containers of a task end together, and that is no outage', async () => {
    const { service } = file.deployment;
    const [task] = [...service.tasks];
    expect(await service.stopTask(task!, { deregistrationMs: 0, stopMs: 60_000 })).toBe(0);
    expect(await task!.outputs!.exited).toBe(0);
    expect(file.log.filter((line) => line.includes('rtmp-outputs is lost'))).toEqual([]);
  }, 90_000);
});
