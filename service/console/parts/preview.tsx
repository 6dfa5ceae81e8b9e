import { useEffect, useRef, useState } from 'preact/hooks';
import type { Stream } from '../../http/api/schemas/stream';
import { sentenceOf } from '../data/api-client';
import { openPlayer, type PreviewPlayer } from '../pictures/preview-player';
import { Picture } from './picture';
import { useTools } from './console-context';

const PICTURE_WIDTH = 640;

/** The stream's last keyframe, and on demand the stream itself. */
export function Preview({ stream }: { readonly stream: Stream }) {
  const [isPlaying, setPlaying] = useState(false);
  return (
    <section class="panel preview" aria-label="Preview">
      {isPlaying ? (
        <PlayingPreview stream={stream} />
      ) : stream.video === null ? null : (
        <Picture channel={stream.channel} hasVideo width={PICTURE_WIDTH} instead="No picture" />
      )}
      <div class="buttons">
        <button type="button" onClick={() => setPlaying(!isPlaying)}>
          {isPlaying ? 'Close preview' : 'Watch preview'}
        </button>
        <span class="muted small">
          {isPlaying ? 'Counts as a player' : stream.video === null ? 'No video' : 'Last keyframe'}
        </span>
      </div>
    </section>
  );
}

function PlayingPreview({ stream }: { readonly stream: Stream }) {
  const { watch } = useTools();
  const video = useRef<HTMLVideoElement>(null);
  const [message, setMessage] = useState('Loading …');
  const { channel } = stream;
  const [hasVideo, hasAudio] = [stream.video !== null, stream.audio !== null];
  useEffect(() => {
    let player: PreviewPlayer | undefined;
    let isClosed = false;
    const open = async (element: HTMLVideoElement): Promise<void> => {
      try {
        const address = watch.api.address(`streams/${encodeURIComponent(channel)}/live.flv`);
        const opened = await openPlayer({ element, address, hasVideo, hasAudio, onMessage: setMessage });
        if (isClosed) opened.close();
        else player = opened;
      } catch (error) {
        setMessage(sentenceOf(error));
      }
    };
    if (video.current !== null) void open(video.current);
    return () => {
      isClosed = true;
      player?.close();
    };
  }, [watch, channel, hasVideo, hasAudio]);
  return (
    <>
      <video ref={video} muted autoplay playsInline controls aria-label={`Live preview of ${channel}`} />
      <p class="small preview-message" role="status">
        {message}
      </p>
    </>
  );
}
