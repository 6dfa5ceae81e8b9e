import { networkInterfaces } from 'node:os';
import type { RunningService } from './node/node';

/** What a streamer needs to begin, in the terms of OBS and ffmpeg. */
export function banner({ rtmp, http }: RunningService['ports']): string {
  const host = firstAddress();
  const port = rtmp === 1935 ? '' : `:${rtmp}`;
  const local = `rtmp://127.0.0.1${port}/live/demo`;
  const lines = [
    '',
    '  Ready. Publish to this node:',
    '',
    `    Server      rtmp://${host}${port}/live`,
    '    Stream Key  demo',
    '',
    '  In OBS: Settings > Stream > Service "Custom...". Any channel and key of letters, digits, - and _ will do.',
    '',
    '  Publish a test pattern:',
    '    ffmpeg -re -f lavfi -i testsrc2=size=1280x720:rate=30 -f lavfi -i sine -c:v libx264 -preset veryfast ' +
      `-pix_fmt yuv420p -g 60 -c:a aac -f flv ${local}`,
    '',
    '  Play it:',
    `    ffplay ${local}`,
    '',
  ];
  if (http !== undefined) {
    lines.push(`  Metrics  http://127.0.0.1:${http}/metrics`, `  Streams  http://127.0.0.1:${http}/api/streams`, '');
  }
  lines.push('  Ctrl-C ends it.', '');
  return lines.join('\n');
}

/** The address by which other machines reach this one; the loopback where there is none. */
function firstAddress(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  return addresses.find(({ family, internal }) => family === 'IPv4' && !internal)?.address ?? '127.0.0.1';
}
