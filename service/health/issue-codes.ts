import type { HealthIssue } from '../http/api/schemas/health';

export type Severity = HealthIssue['severity'];

/** How many looks in a row, five seconds apart, must see an issue before it is shown, and miss it before it goes. */
export interface Patience {
  readonly appears: number;
  readonly goes: number;
}

/** Said by headers and metadata, which do not fluctuate. */
const FACT: Patience = { appears: 1, goes: 2 };
/** Metadata and headers may change one shortly after the other. */
const CONTRADICTION: Patience = { appears: 2, goes: 2 };
/** Measured over ten seconds. */
const RATE: Patience = { appears: 2, goes: 4 };
/** A burst at the start, or after a short stall, is over after two looks. */
const PACE: Patience = { appears: 3, goes: 4 };
/** Happens in an instant, and is worth a minute of attention. */
const EVENT: Patience = { appears: 1, goes: 12 };

/**
 * Every code that an issue can have. Those in the first block are called as in YouTube's live API
 * (liveStreams.status.healthStatus.configurationIssues), the others are this server's. There, "mismatch" compares a
 * stream with its backup; here, with what its metadata (onMetaData) says.
 */
export const ISSUES = {
  gopSizeLong: RATE,
  gopSizeOver: RATE,
  gopSizeShort: RATE,
  openGop: RATE,
  bitrateLow: RATE,
  bitrateHigh: RATE,
  frameRateHigh: RATE,
  framerateMismatch: RATE,
  resolutionMismatch: CONTRADICTION,
  videoCodec: FACT,
  videoCodecMismatch: CONTRADICTION,
  videoProfileMismatch: FACT,
  interlacedVideo: FACT,
  noVideoStream: FACT,
  videoIngestionStarved: PACE,
  videoIngestionFasterThanRealtime: PACE,
  audioCodec: FACT,
  audioCodecMismatch: CONTRADICTION,
  audioSampleRate: FACT,
  audioSampleRateMismatch: CONTRADICTION,
  audioStereoMismatch: CONTRADICTION,
  audioTooManyChannels: FACT,
  audioBitrateLow: RATE,
  audioBitrateHigh: RATE,
  noAudioStream: FACT,

  mediaGap: EVENT,
  timestampJump: EVENT,
  timestampReversal: EVENT,
  audioVideoDrift: RATE,
} as const satisfies Readonly<Record<string, Patience>>;

export type IssueCode = keyof typeof ISSUES;

export const ISSUE_CODES = Object.keys(ISSUES) as readonly IssueCode[];

/** What a look at a stream found. */
export interface Finding {
  readonly code: IssueCode;
  readonly severity: Severity;
  /** What the streamer has to change, with measured values. */
  readonly sentence: string;
}
