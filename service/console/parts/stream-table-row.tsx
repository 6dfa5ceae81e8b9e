import type { Audio, Stream, Video } from '../../http/api/schemas/stream';
import type { StreamRow } from '../data/fleet-model';
import { formatBitrate, formatCodec, formatDuration, formatNumber, formatRate, UNKNOWN } from '../data/format';
import { routeHref } from '../data/routes';
import { HealthBadge } from './health-badge';
import { Picture } from './picture';
import { Sparkline } from './sparkline';
import { useTools } from './console-context';

/** Twice the width on the page, for dense screens. */
const PICTURE_WIDTH = 160;

/** Measurements across the width of a sparkline. */
const SPARK_LENGTH = 60;

export interface StreamTableRowProps {
  readonly row: StreamRow;
  /** Place in the list, from 0. */
  readonly index: number;
  /** px below the top of the list. */
  readonly top: number;
  /** One row at a time can be reached with the Tab key, the others with the arrow keys. */
  readonly isFocusable: boolean;
  readonly onFocus: (channel: string) => void;
}

export function StreamTableRow({ row, index, top, isFocusable, onFocus }: StreamTableRowProps) {
  const { watch } = useTools();
  const { stream, bitrates } = row;
  const { channel, streamId, state, client, node, health, video } = stream;
  const liveFor = formatDuration((watch.now() - Date.parse(stream.since)) / 1000);
  return (
    <div role="row" aria-rowindex={index + 2} class="streams-row" style={{ transform: `translateY(${top}px)` }}>
      <div role="rowheader" class="cell cell-channel">
        <Picture
          channel={channel}
          hasVideo={video !== null}
          width={PICTURE_WIDTH}
          instead={video === null ? 'audio' : ''}
        />
        <span class="two-lines">
          <a
            class="name row-link"
            href={routeHref({ page: 'stream', channel })}
            data-channel={channel}
            tabIndex={isFocusable ? 0 : -1}
            title={channel}
            onFocus={() => onFocus(channel)}
          >
            {channel}
          </a>
          <span class="second" title={streamId}>
            {state === 'held' ? <span class="mark mark-warning">publisher lost</span> : streamId}
          </span>
        </span>
      </div>
      <div role="gridcell" class="cell cell-health">
        <HealthBadge state={health.state} title={health.issues[0]?.sentence} />
      </div>
      <div role="gridcell" class="cell cell-bitrate">
        <span class="number">{formatBitrate(stream.bitrateKbps)}</span>
        <Sparkline history={bitrates} length={SPARK_LENGTH} />
      </div>
      <div role="gridcell" class="cell cell-video two-lines">
        <span>{pictureFormat(stream)}</span>
        <span class="second">{codecs(stream)}</span>
      </div>
      <div role="gridcell" class="cell cell-keyframes number">
        {seconds(video)}
      </div>
      <div role="gridcell" class="cell cell-players number">
        {formatNumber(stream.players)}
        <span class="phone-only"> players</span>
      </div>
      <div role="gridcell" class="cell cell-source two-lines">
        <span title={client.encoder}>{client.encoder || UNKNOWN}</span>
        <span class="second">{client.address}</span>
      </div>
      <div role="gridcell" class="cell cell-node" title={node}>
        {node}
      </div>
      <div role="gridcell" class="cell cell-since number" title={new Date(stream.since).toLocaleString()}>
        {liveFor}
      </div>
    </div>
  );
}

/** `1920×1080, 29.97 fps`. */
export function pictureFormat({ video }: Pick<Stream, 'video'>): string {
  if (video === null) return 'No video';
  const size = video.width === null || video.height === null ? '' : `${video.width}×${video.height}`;
  const rate = video.fps === null ? '' : `${formatRate(video.fps)} fps`;
  return [size, rate].filter(Boolean).join(', ') || UNKNOWN;
}

function codecs({ video, audio }: Pick<Stream, 'video' | 'audio'>): string {
  const known = [video, audio]
    .filter((part): part is Video | Audio => part !== null)
    .map(({ codec }) => formatCodec(codec));
  return known.join(' + ') || UNKNOWN;
}

function seconds(video: Video | null): string {
  const interval = video?.keyframeIntervalSeconds ?? null;
  return interval === null ? UNKNOWN : `${interval.toFixed(1)} s`;
}
