import { type Findings, inWords, type Look } from './look';
import type { TrackSample } from './sample';

/** Media that arrives at less, or more, than this much of its own speed. */
const STARVED = 0.9;
const TOO_FAST = 1.1;
/** A gap counts from this length on (ms), and is an error from the second on. */
const GAP_MS = 1_000;
const LONG_GAP_MS = 5_000;
/** A gap is also longer than this many frames: slide shows send few. */
const GAP_FRAMES = 3;
/** Audio and video that far apart (ms) are out of step. */
const DRIFT_MS = 1_000;
const LARGE_DRIFT_MS = 3_000;
/** Steps back of up to this much (ms) are rounding. */
const ROUNDING_MS = 5;

/** Whether media arrives as fast as it is to be played. */
export function judgePace({ window, isFull }: Look, findings: Findings): void {
  const { ms, video, audio } = window;
  const speeds = [video, audio].filter(({ frames }) => frames > 1).map(({ advanceMs }) => advanceMs / ms);
  if (speeds.length === 0 || !isFull) return;
  const fastest = Math.max(...speeds);
  const slowest = Math.min(...speeds);
  if (fastest < STARVED) {
    const percent = Math.max(0, Math.round(fastest * 100));
    findings.add(
      'videoIngestionStarved',
      'error',
      `Only ${percent} % of real time arrives, so viewers have to wait. Lower the bitrate, use a faster or wired ` +
        'connection, or relieve the computer that encodes.',
    );
  } else if (slowest > TOO_FAST) {
    findings.add(
      'videoIngestionFasterThanRealtime',
      'warning',
      `Media arrives at ${inWords(slowest)} times its speed. Send it in real time: with ffmpeg, put -re before -i.`,
    );
  }
}

/** Whether media is missing for a time. */
export function judgeGaps({ window, readDelayMs }: Look, findings: Findings): void {
  const kinds: [string, TrackSample][] = [];
  for (const [name, track] of [
    ['video', window.video],
    ['sound', window.audio],
  ] as const) {
    const usualMs = track.frames > 0 ? track.advanceMs / track.frames : 0;
    if (track.gapMs > GAP_MS + readDelayMs && track.gapMs > GAP_FRAMES * usualMs) kinds.push([name, track]);
  }
  if (kinds.length === 0) return;
  const longest = Math.max(...kinds.map(([, { gapMs }]) => gapMs));
  const names = kinds.map(([name]) => name).join(' and no ');
  findings.add(
    'mediaGap',
    longest >= LONG_GAP_MS ? 'error' : 'warning',
    `No ${names} came for ${inWords(longest / 1000)} s. Check the connection of the encoder, and whether it drops ` +
      'frames: a lower bitrate helps against both.',
  );
}

/** Whether timestamps advance steadily. */
export function judgeTimestamps({ window: { video, audio } }: Look, findings: Findings): void {
  const jumpMs = Math.max(video.jumpMs, audio.jumpMs);
  if (jumpMs > 0) {
    findings.add(
      'timestampJump',
      'warning',
      `Timestamps jumped ahead by ${inWords(jumpMs / 1000)} s, and players may stop there. Restart the encoder; if ` +
        'this happens again, update it, or check the clock of its source.',
    );
  }
  const backMs = Math.max(video.reversalMs, audio.reversalMs);
  if (backMs > ROUNDING_MS) {
    findings.add(
      'timestampReversal',
      'warning',
      `Timestamps went back by ${inWords(backMs / 1000)} s (${video.reversals + audio.reversals} times in 10 s). ` +
        'Restart the encoder; if a file is sent in a loop, its parts must have continuous timestamps.',
    );
  }
}

/** Whether audio and video stay together. */
export function judgeDrift({ window }: Look, findings: Findings): void {
  const { closestMs, video, audio } = window;
  // Where one of them stops, or jumps, the other rules say so.
  if (video.frames === 0 || audio.frames === 0 || video.jumps + audio.jumps > 0) return;
  if (closestMs === Infinity || closestMs <= DRIFT_MS || video.gapMs > closestMs || audio.gapMs > closestMs) return;
  findings.add(
    'audioVideoDrift',
    closestMs > LARGE_DRIFT_MS ? 'error' : 'warning',
    `Sound and picture are ${inWords(closestMs / 1000)} s apart. Use one clock for both: set one sample rate in the ` +
      "encoder and for the sound device, and take the sound from the camera's source.",
  );
}
