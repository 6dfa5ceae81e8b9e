import type { ComponentChildren } from 'preact';
import type { Stream, StreamDetail } from '../../http/api/schemas/stream';
import { formatBitrate, formatCodec, formatDuration, formatNumber, UNKNOWN } from '../data/format';
import { useFleet, useSeconds } from './console-context';
import { pictureFormat } from './stream-table-row';

export interface StreamFactsProps {
  readonly stream: Stream;
  readonly playersByNode: StreamDetail['playersByNode'];
}

/** What is known of a stream, as a list of names and values. */
export function StreamFacts({ stream, playersByNode }: StreamFactsProps) {
  const watch = useFleet();
  useSeconds();
  const { client, video, audio } = stream;
  const since = new Date(stream.since);
  return (
    <section class="panel" aria-labelledby="facts">
      <h2 id="facts">Stream</h2>
      <dl class="facts">
        <Fact name="Stream id">{stream.streamId || UNKNOWN}</Fact>
        <Fact name="Live for">
          {formatDuration((watch.now() - since.getTime()) / 1000)}
          <span class="muted"> since {since.toLocaleString()}</span>
        </Fact>
        <Fact name="Publisher">{client.address || UNKNOWN}</Fact>
        <Fact name="Encoder">{client.encoder || UNKNOWN}</Fact>
        <Fact name="Node">{stream.node}</Fact>
        <Fact name="Bitrate">{formatBitrate(stream.bitrateKbps)}</Fact>
        <Fact name="Video">
          {video === null
            ? 'none'
            : `${formatCodec(video.codec)}, ${pictureFormat(stream)}, ${formatBitrate(video.bitrateKbps)}`}
        </Fact>
        <Fact name="Audio">{audio === null ? 'none' : audioFormat(audio)}</Fact>
        <Fact name="Players">
          {formatNumber(stream.players)}
          {playersByNode.length < 2 ? null : (
            <ul class="by-node">
              {playersByNode.map(({ node, players }) => (
                <li key={node}>
                  {formatNumber(players)} <span class="muted">on {node}</span>
                </li>
              ))}
            </ul>
          )}
        </Fact>
      </dl>
    </section>
  );
}

function Fact({ name, children }: { readonly name: string; readonly children: ComponentChildren }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function audioFormat({ codec, sampleRate, channels, bitrateKbps }: NonNullable<Stream['audio']>): string {
  const rate = sampleRate === null ? '' : `${sampleRate / 1000} kHz`;
  const layout = channels === null ? '' : channels === 1 ? 'mono' : channels === 2 ? 'stereo' : `${channels} channels`;
  return [formatCodec(codec), rate, layout, formatBitrate(bitrateKbps)].filter(Boolean).join(', ');
}
