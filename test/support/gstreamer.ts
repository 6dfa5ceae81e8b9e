import { Program } from './program';

/** Publishes the H.264 and/or AAC of an FLV file with rtmp2sink, in real time. */
export function publishWithGstreamer(
  file: string,
  url: string,
  kinds: readonly ('video' | 'audio')[] = ['video', 'audio'],
): Program {
  const branches = kinds.map(
    (kind) => `demux.${kind} ! queue ! ${kind === 'video' ? 'h264parse' : 'aacparse'} ! mux.${kind}`,
  );
  return gstLaunch(
    `filesrc location=${file} ! flvdemux name=demux ${branches.join(' ')} ` +
      `flvmux name=mux streamable=true ! rtmp2sink location=${url}`,
  );
}

/** Plays with rtmp2src into an FLV file until the stream ends. */
export function playWithGstreamer(url: string, file: string): Program {
  return gstLaunch(`rtmp2src location=${url} ! filesink location=${file}`);
}

/** `gst-launch-1.0` with the pipeline's words as they are: none of them may hold a space. */
function gstLaunch(pipeline: string): Program {
  return new Program('gst-launch-1.0', ['-q', ...pipeline.split(' ')], { env: { ...process.env, GST_DEBUG: '2' } });
}
