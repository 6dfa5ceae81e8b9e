import type { CodedPicture } from './flv-picture';

/** Codecs that this browser has turned out not to decode. */
const refused = new Set<string>();

/**
 * Decodes a keyframe with the browser's own decoder and scales it down.
 *
 * @param width of the result in pixels; a narrower picture stays as it is
 * @returns undefined when this browser cannot decode it, or has no decoder for pages that come over plain HTTP
 */
export async function decodePicture(coded: CodedPicture, width: number): Promise<ImageBitmap | undefined> {
  if (!('VideoDecoder' in globalThis) || refused.has(coded.codec)) return undefined;
  const config: VideoDecoderConfig = { codec: coded.codec, optimizeForLatency: true };
  if (coded.description !== undefined) config.description = coded.description;
  try {
    const { supported } = await VideoDecoder.isConfigSupported(config);
    if (supported !== true) {
      refused.add(coded.codec);
      return undefined;
    }
    const frame = await firstFrame(config, coded.keyframe);
    if (frame === undefined) return undefined;
    try {
      const scale = Math.min(1, width / frame.displayWidth);
      return await createImageBitmap(frame, {
        resizeWidth: Math.max(1, Math.round(frame.displayWidth * scale)),
        resizeHeight: Math.max(1, Math.round(frame.displayHeight * scale)),
        resizeQuality: 'medium',
      });
    } finally {
      frame.close();
    }
  } catch {
    return undefined; // a keyframe that cannot be decoded by itself, or damaged: the next one may be better
  }
}

async function firstFrame(config: VideoDecoderConfig, data: Uint8Array<ArrayBuffer>): Promise<VideoFrame | undefined> {
  let first: VideoFrame | undefined;
  const decoder = new VideoDecoder({
    output: (frame) => {
      if (first === undefined) first = frame;
      else frame.close();
    },
    error: () => undefined, // `flush` rejects as well
  });
  try {
    decoder.configure(config);
    decoder.decode(new EncodedVideoChunk({ type: 'key', timestamp: 0, data }));
    await decoder.flush();
  } finally {
    if (decoder.state !== 'closed') decoder.close();
  }
  return first;
}
