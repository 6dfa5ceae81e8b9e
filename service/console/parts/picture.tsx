import { useEffect, useRef, useState } from 'preact/hooks';
import { useTools } from './console-context';

export interface PictureProps {
  readonly channel: string;
  readonly hasVideo: boolean;
  /** Pixels. */
  readonly width: number;
  /** Shown until there is a picture, and where there will be none. */
  readonly instead?: string;
}

/** A stream's last keyframe. */
export function Picture({ channel, hasVideo, width, instead = '' }: PictureProps) {
  const { pictures } = useTools();
  const canvas = useRef<HTMLCanvasElement>(null);
  const [isShown, setShown] = useState(false);
  useEffect(() => {
    setShown(false);
    if (!hasVideo) return undefined;
    return pictures.watch({
      channel,
      width,
      show(picture) {
        const target = canvas.current;
        if (target === null) return;
        target.width = picture.width;
        target.height = picture.height;
        target.getContext('2d')?.drawImage(picture, 0, 0);
        setShown(true);
      },
    });
  }, [pictures, channel, hasVideo, width]);
  return (
    <span class="picture">
      <canvas ref={canvas} hidden={!isShown} role="img" aria-label={`Last keyframe of ${channel}`} />
      {isShown ? null : <span class="picture-instead">{instead}</span>}
    </span>
  );
}
