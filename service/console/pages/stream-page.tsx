import { useEffect, useMemo, useState } from 'preact/hooks';
import type { Stream } from '../../http/api/schemas/stream';
import { formatBitrate, formatRate } from '../data/format';
import { routeHref } from '../data/routes';
import { StreamWatch } from '../data/stream-watch';
import { Chart } from '../parts/chart';
import { useFleet, useTools } from '../parts/console-context';
import { EventList } from '../parts/event-list';
import { ExplanationPanel } from '../parts/explanation-panel';
import { HealthBadge } from '../parts/health-badge';
import { HealthPanel } from '../parts/health-panel';
import { OutputList } from '../parts/output-list';
import { OutputOrderDialog, type OutputQuestion } from '../parts/output-order-dialog';
import { Preview } from '../parts/preview';
import { StreamFacts } from '../parts/stream-facts';
import { type StreamOrder, StreamOrderDialog } from '../parts/stream-order-dialog';

/** Everything about one channel, whether or not it is live. */
export function StreamPage({ channel }: { readonly channel: string }) {
  const { watch } = useTools();
  const { model } = useFleet();
  const [, redraw] = useState(0);
  const [order, setOrder] = useState<StreamOrder>();
  const [question, setQuestion] = useState<OutputQuestion>();
  const about = useMemo(() => new StreamWatch(watch, channel, () => redraw((count) => count + 1)), [watch, channel]);
  useEffect(() => {
    about.open();
    return () => about.close();
  }, [about]);
  const stream = model.rows.get(channel)?.stream ?? about.detail;
  const closeOrder = (): void => {
    setOrder(undefined);
    setQuestion(undefined);
    void about.ask();
  };
  return (
    <div class="page stream-page">
      <div class="page-head">
        <a class="back" href={routeHref({ page: 'streams' })}>
          <span aria-hidden="true">‹</span> Streams
        </a>
        <h1 class="name">{channel}</h1>
        {stream === undefined ? null : <HealthBadge state={stream.health.state} />}
        {stream?.state === 'held' ? <span class="mark mark-warning">publisher lost</span> : null}
        <OrderButtons isLive={stream !== undefined} setOrder={setOrder} />
      </div>
      {about.fault === '' ? null : (
        <p class="notice" role="status">
          {about.fault}
        </p>
      )}
      {stream === undefined ? <NotLive about={about} /> : <Live stream={stream} about={about} ask={setQuestion} />}
      {question === undefined ? null : <OutputOrderDialog question={question} channel={channel} onClose={closeOrder} />}
      {order === undefined ? null : (
        <StreamOrderDialog order={order} channel={channel} streamId={stream?.streamId ?? ''} onClose={closeOrder} />
      )}
    </div>
  );
}

interface OrderButtonsProps {
  readonly isLive: boolean;
  readonly setOrder: (order: StreamOrder) => void;
}

function OrderButtons({ isLive, setOrder }: OrderButtonsProps) {
  return (
    <div class="orders">
      {isLive ? (
        <button type="button" class="danger-quiet" onClick={() => setOrder('end')}>
          End stream …
        </button>
      ) : null}
      <button type="button" class="danger-quiet" onClick={() => setOrder('block')}>
        {isLive ? 'End and block …' : 'Block …'}
      </button>
      {isLive ? null : (
        <button type="button" onClick={() => setOrder('unblock')}>
          Unblock …
        </button>
      )}
    </div>
  );
}

interface LiveProps {
  readonly stream: Stream;
  readonly about: StreamWatch;
  readonly ask: (question: OutputQuestion) => void;
}

function Live({ stream, about, ask }: LiveProps) {
  const right = useFleet().now() / 1000;
  return (
    <div class="stream-columns">
      <div class="stream-main">
        <HealthPanel health={stream.health} />
        <section class="panel" aria-label="The last ten minutes">
          <Chart title="Bitrate" data={about.history.chart('bitrateKbps')} now={right} format={formatBitrate} />
          {stream.video === null ? null : (
            <>
              <Chart title="Frame rate" data={about.history.chart('fps')} now={right} format={frameRate} />
              <Chart
                title="Keyframe interval"
                data={about.history.chart('keyframeIntervalSeconds')}
                now={right}
                format={interval}
              />
            </>
          )}
        </section>
        <Events about={about} />
      </div>
      <div class="stream-side">
        <Preview stream={stream} />
        <OutputList outputs={about.detail?.outputs ?? stream.outputs} ask={ask} />
        <StreamFacts stream={stream} playersByNode={about.detail?.playersByNode ?? []} />
      </div>
    </div>
  );
}

function NotLive({ about }: { readonly about: StreamWatch }) {
  if (!about.isKnown) return <p class="empty">Loading …</p>;
  return (
    <div class="stream-columns">
      <div class="stream-main">
        {about.explanation === undefined ? null : <ExplanationPanel explanation={about.explanation} />}
        <Events about={about} />
      </div>
    </div>
  );
}

function Events({ about }: { readonly about: StreamWatch }) {
  return (
    <section class="panel" aria-labelledby="events">
      <h2 id="events">Events</h2>
      <EventList events={about.events} />
    </section>
  );
}

function frameRate(value: number): string {
  return `${formatRate(value)} fps`;
}

function interval(value: number): string {
  return `${value.toFixed(1)} s`;
}
