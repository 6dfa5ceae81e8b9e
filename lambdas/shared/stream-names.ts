/**
 * Longest channel, key or stream id that is accepted; services may be configured with a shorter limit (ID_MAX_LENGTH).
 */
export const MAX_NAME_LENGTH = 512;

/** Whether a text can be a channel, a stream key or a stream id: `[A-Za-z0-9_-]`, never empty. */
export function isStreamName(text: unknown): text is string {
  return typeof text === 'string' && text.length <= MAX_NAME_LENGTH && /^[A-Za-z0-9_-]+$/.test(text);
}
