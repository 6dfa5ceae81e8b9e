import { Program } from './program';

/** Plays with librtmp's own client into an FLV file until the stream ends. */
export function playWithRtmpdump(url: string, file: string): Program {
  return new Program('rtmpdump', ['--live', '--rtmp', url, '--flv', file]);
}
