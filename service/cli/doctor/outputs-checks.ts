import { randomUUID } from 'node:crypto';
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DirectoryPlace, S3Place } from '../../config/output-settings';
import { messageOf } from '../../errors/error-text';
import { S3Bucket, s3Fault } from '../../outputs/s3/s3-bucket';
import type { Examination } from './examination';
import { failed, type Finding, passed, skipped, warned } from './finding';

/** A stream of 8 Mbit/s fills this in 18 minutes. */
const LITTLE_SPACE_BYTES = 1024 ** 3;

/** Writes a small file to each place where recordings and segments are stored, and removes it. */
export async function checkOutputs({ config }: Examination): Promise<readonly Finding[]> {
  const { run, record, hls } = config.outputs;
  if (run === 'none') return [skipped('outputs', 'Streams are not forwarded, recorded or packaged')];
  const places = [['RECORD_TO', record.place] as const, ['HLS_TO', hls.place] as const];
  const checked = places.map(async ([variable, place]) => {
    if (place?.kind === 'directory') return checkDirectory(variable, place);
    return place?.kind === 's3' ? checkBucket(variable, place) : undefined;
  });
  return (await Promise.all(checked)).filter((finding) => finding !== undefined);
}

async function checkDirectory(variable: string, { path }: DirectoryPlace): Promise<Finding> {
  const check = `outputs.${variable}`;
  const probe = join(path, `.doctor-${randomUUID()}`);
  try {
    await mkdir(path, { recursive: true });
    await writeFile(probe, '');
    await rm(probe);
    const { bavail, bsize } = await statfs(path);
    const megabytes = Math.floor((bavail * bsize) / 1024 ** 2);
    const says = `Files can be written to ${variable}; ${megabytes} MB are free there`;
    const todo = 'Make room, or name another directory.';
    return bavail * bsize < LITTLE_SPACE_BYTES ? warned(check, says, todo) : passed(check, says);
  } catch (error) {
    const todo =
      'Create the directory, and let the user of the server write to it; in a container, mount a volume there.';
    return failed(check, `No file can be written to ${variable}: ${messageOf(error)}`, todo);
  }
}

async function checkBucket(variable: string, { bucket: name, prefix }: S3Place): Promise<Finding> {
  const check = `outputs.${variable}`;
  const bucket = new S3Bucket(name);
  const key = `${prefix === '' ? '' : `${prefix}/`}.doctor-${randomUUID()}`;
  try {
    await bucket.put(key, Buffer.alloc(0), { contentType: 'text/plain' });
  } catch (error) {
    const todo = `Check the name, the region (AWS_REGION), and that these credentials may s3:PutObject below s3://${name}/${prefix}.`;
    bucket.close();
    return failed(check, `Nothing can be stored in the bucket of ${variable}: ${s3Fault(error)}`, todo);
  }
  try {
    await bucket.remove([key]);
    return passed(check, `Objects can be stored in the bucket of ${variable}`);
  } catch {
    // Recordings are never removed by the server, so that it needs no permission for that.
    return passed(
      check,
      `Objects can be stored in the bucket of ${variable}; the object ${key} of this test is left there`,
    );
  } finally {
    bucket.close();
  }
}
