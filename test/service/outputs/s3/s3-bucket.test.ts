import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Readable } from 'node:stream';
import { S3Bucket, s3Fault } from '../../../../service/outputs/s3/s3-bucket';
import { Moto, motoPython, sayThatMotoIsMissing } from '../../../checks/moto';

const text = { contentType: 'text/plain' };
const MB = 1024 * 1024;

sayThatMotoIsMissing();
(motoPython === undefined ? describe.skip : describe)('a bucket', () => {
  let moto: Moto;
  const bucket = new S3Bucket('films');

  beforeAll(async () => {
    moto = await Moto.start();
    Object.assign(process.env, moto.environment);
    await fetch(`${moto.url}/films`, { method: 'PUT' });
  }, 300_000);

  afterAll(async () => {
    bucket.close();
    await moto.stop();
  });

  test('stores, lists, reads and removes objects', async () => {
    await bucket.put('a/1', Buffer.from('one'), text);
    await bucket.put('a/2', Buffer.from('three'), text);
    await bucket.put('b', Buffer.from('other'), text);
    expect((await bucket.list('a/')).map(({ key, bytes }) => [key, bytes])).toEqual([
      ['a/1', 3],
      ['a/2', 5],
    ]);
    expect(String(await bucket.get('a/1'))).toBe('one');
    await bucket.remove(['a/1', 'a/2', 'never there']);
    expect(await bucket.list('a/')).toEqual([]);
    expect(await bucket.get('a/1')).toBeUndefined();
    expect(await bucket.size('b')).toBe(5);
    expect(await bucket.size('a/1')).toBeUndefined();
  });

  test('creates an object once', async () => {
    expect(await bucket.create('name', Buffer.from('mine'), text)).toBe(true);
    expect(await bucket.create('name', Buffer.from('yours'), text)).toBe(false);
    expect(String(await bucket.get('name'))).toBe('mine');
  });

  test('joins parts, and tells of an upload that is finished', async () => {
    const upload = await bucket.createUpload('film', text);
    const first = Buffer.alloc(5 * MB, 'a');
    await bucket.uploadPart('film', upload, 1, Readable.from([first]), first.length);
    await bucket.uploadPart('film', upload, 2, Buffer.from('end'), 3);
    const parts = await bucket.parts('film', upload);
    expect(parts?.map(({ number, bytes }) => [number, bytes])).toEqual([
      [1, 5 * MB],
      [2, 3],
    ]);
    await bucket.completeUpload('film', upload, parts!);
    expect((await bucket.get('film'))?.equals(Buffer.concat([first, Buffer.from('end')]))).toBe(true);
    expect(await bucket.parts('film', upload)).toBeUndefined();
  });

  test('names what is wrong', async () => {
    const missing = new S3Bucket('no-such-bucket');
    const error = await missing.put('a', Buffer.from('b'), text).catch((fault: unknown) => fault);
    expect(s3Fault(error)).toMatch(/^S3: NoSuchBucket: .* \(HTTP 404\)$/);
    missing.close();
  });
});
