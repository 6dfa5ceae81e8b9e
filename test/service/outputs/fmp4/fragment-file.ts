import { writeFileSync } from 'node:fs';
import {
  type Beginning,
  type Fragment,
  Fragmenter,
  type FragmenterOptions,
  type FragmentSink,
} from '../../../../service/outputs/fmp4/fragmenter';
import type { InitSegment } from '../../../../service/outputs/fmp4/init-segment';
import type { MediaMessage } from '../../../../service/outputs/stream/output';
import { Program } from '../../../support/programs/program';

/** What came of one init segment. */
export interface FragmentFile {
  readonly init: InitSegment;
  readonly why: Beginning;
  readonly fragments: Fragment[];
}

/** Collects what a fragmenter makes. */
export class FragmentFiles implements FragmentSink {
  readonly files: FragmentFile[] = [];
  readonly unsupportedReasons: string[] = [];

  begin(init: InitSegment, why: Beginning): void {
    this.files.push({ init, why, fragments: [] });
  }

  fragment(fragment: Fragment): void {
    this.files.at(-1)!.fragments.push(fragment);
  }

  unsupported(reason: string): void {
    this.unsupportedReasons.push(reason);
  }
}

/** Packages messages, up to the end of the stream. */
export function fragmentsOf(
  messages: readonly MediaMessage[],
  options: Partial<Omit<FragmenterOptions, 'sink'>> = {},
): FragmentFiles {
  const sink = new FragmentFiles();
  const fragmenter = new Fragmenter({ fragmentMs: 500, ...options, sink });
  for (const message of messages) fragmenter.write(message);
  fragmenter.end();
  return sink;
}

export function writeFragments({ init, fragments }: FragmentFile, path: string): string {
  writeFileSync(path, Buffer.concat([init.bytes, ...fragments.map(({ bytes }) => bytes)]));
  return path;
}

export interface Packet {
  readonly codec_type: 'audio' | 'video';
  readonly pts_time: string;
  readonly dts_time: string;
  readonly duration_time: string;
  readonly size: string;
  readonly flags: string;
  readonly data_hash: string;
}

/** The packets in a file as ffprobe reads it. */
export async function packetsIn(path: string): Promise<Packet[]> {
  const show = ['-show_entries', 'packet=codec_type,pts_time,dts_time,duration_time,size,flags,data_hash'];
  const probe = new Program('ffprobe', [...'-v error -of json -show_data_hash md5'.split(' '), ...show, path]);
  await probe.succeeded();
  const { packets } = JSON.parse(probe.stdout.toString()) as { packets: Packet[] };
  return packets;
}

/** MD5 of every decoded picture and block of sound of one kind; throws where ffmpeg says anything. */
export async function decodedIn(path: string, kind: 'v' | 'a'): Promise<string[]> {
  const args = ['-v', 'warning', '-i', path, '-map', `0:${kind}`, '-fps_mode', 'passthrough', '-f', 'framemd5', '-'];
  const decode = new Program('ffmpeg', ['-hide_banner', '-nostdin', ...args]);
  await decode.succeeded();
  const lines = decode.stdout.toString().split('\n');
  return lines.filter((line) => /^\d/.test(line)).map((line) => line.split(',').at(-1)!.trim());
}
