import { Program } from './program';

type Kind = 'video' | 'audio';

/**
 * Publishes an FLV file in real time with rtmp2sink, or with rtmpsink, which is librtmp. GStreamer writes different
 * tags: they are also written to `copy`, the file to compare with.
 */
export function publishWithGstreamer(options: {
  readonly file: string;
  readonly url: string;
  readonly copy: string;
  readonly kinds?: readonly Kind[];
  readonly sink?: 'rtmp2sink' | 'rtmpsink';
}): Program {
  const { file, url, copy, kinds = ['video', 'audio'], sink = 'rtmp2sink' } = options;
  const parsers: Record<Kind, string> = { video: 'h264parse', audio: 'aacparse' };
  const branches = kinds.map((kind) => `demux.${kind} ! queue ! ${parsers[kind]} ! mux.${kind}`);
  return gstLaunch(
    `filesrc location=${file} ! flvdemux name=demux ${branches.join(' ')} flvmux name=mux streamable=true ` +
      `! tee name=both ! queue ! ${sink} location=${url} both. ! queue ! filesink location=${copy}`,
  );
}

/** Publishes a test picture and a tone, encoded in real time with the encoders' own settings. */
export function publishTestPictureWithGstreamer(url: string, timeoutMs: number): Program {
  return gstLaunch(
    'videotestsrc is-live=true ! video/x-raw,format=I420 ! openh264enc ! h264parse ! flvmux name=mux streamable=true ' +
      `! rtmp2sink location=${url} audiotestsrc is-live=true ! voaacenc ! aacparse ! mux.`,
    timeoutMs,
  );
}

/** Plays with rtmp2src into an FLV file until the stream ends. */
export function playWithGstreamer(url: string, file: string): Program {
  return gstLaunch(`rtmp2src location=${url} ! filesink location=${file}`);
}

/** `gst-launch-1.0` with the pipeline's words as they are: none of them may hold a space. */
function gstLaunch(pipeline: string, timeoutMs?: number): Program {
  const env = { ...process.env, GST_DEBUG: '2' };
  return new Program('gst-launch-1.0', ['-q', ...pipeline.split(' ')], { env, timeoutMs });
}
