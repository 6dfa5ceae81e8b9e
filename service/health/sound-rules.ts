import type { Findings, Look } from './look';

const PLAYABLE_CODECS = new Set(['mp4a', '.mp3', 'Opus', 'fLaC']);
const USUAL_RATES = new Set([44_100, 48_000]);
/** 5.1 */
const MAX_CHANNELS = 6;

export function judgeSound({ window, isFull, facts }: Look, findings: Findings): void {
  const { audio, audioCodec, claims } = facts;
  if (window.audio.frames === 0) {
    if (isFull && window.video.frames > 0) {
      findings.add(
        'noAudioStream',
        'warning',
        'No sound arrives. Add a sound source, or a silent one: some players need a sound track.',
      );
    }
    return;
  }
  if (!PLAYABLE_CODECS.has(audioCodec)) {
    findings.add(
      'audioCodec',
      'error',
      `Browsers and phones cannot play this audio codec (${audioCodec}). Choose AAC in the encoder.`,
    );
  }
  if (claims.audioCodec !== undefined && claims.audioCodec !== audioCodec) {
    findings.add(
      'audioCodecMismatch',
      'warning',
      `The metadata names the audio codec ${claims.audioCodec}, but ${audioCodec} is sent. Update the encoder.`,
    );
  }
  if (audio === undefined || audioCodec !== 'mp4a') return;
  if (!USUAL_RATES.has(audio.sampleRate)) {
    findings.add(
      'audioSampleRate',
      'info',
      `The sound has ${audio.sampleRate} samples a second, which some devices play badly. Set 48000 or 44100.`,
    );
  }
  if (claims.sampleRate !== undefined && ![audio.sampleRate, audio.codedRate].includes(claims.sampleRate)) {
    findings.add(
      'audioSampleRateMismatch',
      'warning',
      `The metadata says ${claims.sampleRate} samples a second, but the sound has ${audio.sampleRate}. Set one sample ` +
        'rate for the sound device and the encoder, and restart the stream.',
    );
  }
  if (audio.channels === undefined) return;
  if (audio.channels > MAX_CHANNELS) {
    findings.add(
      'audioTooManyChannels',
      'warning',
      `The sound has ${audio.channels} channels, and many players have no sound then. Set stereo.`,
    );
  }
  if (claims.channels !== undefined && claims.channels !== audio.channels) {
    findings.add(
      'audioStereoMismatch',
      'info',
      `The metadata says ${claims.channels} channels, but the sound has ${audio.channels}. Restart the stream after a ` +
        'change of the sound channels.',
    );
  }
}
