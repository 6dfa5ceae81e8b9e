import { type Findings, inWords, type Look } from './look';
import { frameRate } from './sample';

/**
 * The longest keyframe interval that nothing is said about (s): the default of x264 and of encoders that follow it, 250
 * frames at 24 a second or more. YouTube asks for 4.
 */
const LONG_GOP_SECONDS = 10.5;
const VERY_LONG_GOP_SECONDS = 20;
/** Keyframes per second. */
const MANY_KEYFRAMES = 2.2;
/** So many keyframes within a window have a meaningful rate. */
const MIN_KEYFRAMES = 4;
/** Frames per second. */
const HIGH_FRAME_RATE = 61;
/** Share of the announced rate, and frames per second, by which the measured one may differ. */
const RATE_TOLERANCE = 0.15;
const MIN_RATE_TOLERANCE = 1.5;
/** Encoders round sizes up to whole blocks (pixels). */
const BLOCK = 16;
/** Codecs and sample formats that browsers and phones decode. */
const PLAYABLE_CODECS = new Set(['avc1', 'hvc1', 'av01', 'vp09', 'vp08']);
const MAX_BIT_DEPTH: Readonly<Record<string, number>> = { avc1: 8 };
const USUAL_MAX_BIT_DEPTH = 10;

export function judgeKeyframes(look: Look, findings: Findings): void {
  const { window, facts } = look;
  if (window.video.frames === 0) return;
  const seconds = Math.max(look.keyframeSeconds, look.withoutKeyframeSeconds);
  if (seconds > LONG_GOP_SECONDS) {
    const isVeryLong = seconds > VERY_LONG_GOP_SECONDS;
    findings.add(
      isVeryLong ? 'gopSizeOver' : 'gopSizeLong',
      isVeryLong ? 'error' : 'warning',
      `There were ${inWords(seconds)} s between keyframes, and viewers who join wait for one or start that much late. ` +
        'Set the keyframe interval to 2 s.',
    );
  }
  const perSecond = (window.keyframes * 1000) / Math.max(1, window.video.advanceMs);
  if (window.keyframes >= MIN_KEYFRAMES && perSecond > MANY_KEYFRAMES) {
    findings.add(
      'gopSizeShort',
      'info',
      `${inWords(perSecond)} keyframes a second cost picture quality. Set the keyframe interval to 2 s.`,
    );
  }
  if (facts.isClosed === false) {
    findings.add(
      'openGop',
      'warning',
      'Keyframes depend on earlier frames, so viewers who join see errors. Turn off open GOP and intra refresh in the ' +
        'encoder (x264: open-gop=0, intra-refresh=0).',
    );
  }
}

export function judgeFrameRate({ window: { video }, isFull, facts: { claims } }: Look, findings: Findings): void {
  const rate = frameRate(video);
  if (!isFull || rate === undefined) return;
  if (rate > HIGH_FRAME_RATE) {
    findings.add('frameRateHigh', 'warning', `The video has ${inWords(rate)} frames a second. Set it to 60 or fewer.`);
  }
  const claimed = claims.frameRate;
  if (claimed === undefined) return;
  if (Math.abs(rate - claimed) <= Math.max(MIN_RATE_TOLERANCE, claimed * RATE_TOLERANCE)) return;
  findings.add(
    'framerateMismatch',
    'warning',
    `The encoder announces ${inWords(claimed)} frames a second and sends ${inWords(rate)}. ` +
      (rate < claimed
        ? 'If it drops frames, lower resolution or bitrate, or choose a faster preset; else set its rate to that of the source.'
        : 'Set its rate to that of the source.'),
  );
}

export function judgePicture({ window, isFull, facts, hadVideo }: Look, findings: Findings): void {
  const { video, videoCodec, claims } = facts;
  if (window.video.frames === 0) {
    if (isFull && window.audio.frames > 0) noVideo(hadVideo, findings);
    return;
  }
  if (!PLAYABLE_CODECS.has(videoCodec)) {
    findings.add(
      'videoCodec',
      'error',
      `Browsers and phones cannot play this video codec (${videoCodec}). Choose H.264 in the encoder.`,
    );
  }
  if (claims.videoCodec !== undefined && claims.videoCodec !== videoCodec) {
    findings.add(
      'videoCodecMismatch',
      'warning',
      `The metadata names the video codec ${claims.videoCodec}, but ${videoCodec} is sent. Update the encoder.`,
    );
  }
  if (video === undefined) return;
  if (video.chroma > 1 || video.bitDepth > (MAX_BIT_DEPTH[videoCodec] ?? USUAL_MAX_BIT_DEPTH)) {
    findings.add(
      'videoProfileMismatch',
      'error',
      `Most browsers and phones cannot play the profile ${video.profile}. Choose 8-bit 4:2:0 (NV12, yuv420p), and ` +
        'the profile high or main.',
    );
  }
  if (video.isInterlaced) {
    findings.add('interlacedVideo', 'info', 'The video is interlaced, which shows as combs. Deinterlace it first.');
  }
  const { width, height, pixelAspect } = video;
  if (width === undefined || height === undefined || claims.width === undefined || claims.height === undefined) return;
  const isWide = [width, width * pixelAspect].some((wide) => Math.abs(wide - claims.width!) < BLOCK);
  if (isWide && Math.abs(height - claims.height) < BLOCK) return;
  findings.add(
    'resolutionMismatch',
    'warning',
    `The metadata says ${claims.width}x${claims.height}, but the video is ${width}x${height}. Restart the stream after ` +
      'a change of the output resolution.',
  );
}

function noVideo(hadVideo: boolean, findings: Findings): void {
  findings.add(
    'noVideoStream',
    hadVideo ? 'error' : 'warning',
    hadVideo
      ? 'The video has stopped, only sound arrives. Check the camera or capture source, then restart the encoder.'
      : 'Only sound arrives. Add a video source, unless this is to be a stream of sound.',
  );
}
