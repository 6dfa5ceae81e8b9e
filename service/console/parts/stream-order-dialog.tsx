import { useState } from 'preact/hooks';
import type { OrderResult } from '../../http/api/schemas/order';
import { useFleet } from './console-context';
import { OrderDialog } from './order-dialog';

export type StreamOrder = 'end' | 'block' | 'unblock';

export interface StreamOrderDialogProps {
  readonly order: StreamOrder;
  readonly channel: string;
  /** Empty: the stream has none, or is not live. */
  readonly streamId: string;
  readonly onClose: () => void;
}

const DURATIONS: readonly { readonly seconds: number; readonly name: string }[] = [
  { seconds: 600, name: '10 minutes' },
  { seconds: 3_600, name: '1 hour' },
  { seconds: 86_400, name: '1 day' },
  { seconds: 604_800, name: '1 week' },
];

/** Ends, blocks or unblocks a channel, after a question. */
export function StreamOrderDialog({ order, channel, streamId, onClose }: StreamOrderDialogProps) {
  const { api } = useFleet();
  const [seconds, setSeconds] = useState(DURATIONS[0]!.seconds);
  // The stream that the question is about: a later one of the channel is not to be ended in its place.
  const [asked] = useState(streamId);
  const path = `streams/${encodeURIComponent(channel)}`;
  switch (order) {
    case 'end':
      return (
        <OrderDialog
          question={`End ${channel}?`}
          consequence="The publisher is disconnected and the stream ends for all players. The encoder may publish again at once; to keep it out, block the channel."
          verb="End stream"
          give={() =>
            asked === ''
              ? api.post<OrderResult>(`${path}/end`)
              : api.post<OrderResult>(`${path}/close`, { streamId: asked })
          }
          onClose={onClose}
        />
      );
    case 'block':
      return (
        <OrderDialog
          question={`Block ${channel}?`}
          consequence="The stream ends, if there is one, and nobody can publish to this channel until the time is over or the channel is unblocked."
          verb="Block channel"
          give={() => api.post<OrderResult>(`${path}/block`, { seconds })}
          onClose={onClose}
        >
          <label class="choice">
            Keep publishers out for
            <select value={seconds} onChange={({ currentTarget }) => setSeconds(Number(currentTarget.value))}>
              {DURATIONS.map(({ seconds: value, name }) => (
                <option key={value} value={value}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        </OrderDialog>
      );
    case 'unblock':
      return (
        <OrderDialog
          question={`Unblock ${channel}?`}
          consequence="Publishers may use the channel again."
          verb="Unblock channel"
          give={() => api.post<OrderResult>(`${path}/unblock`)}
          onClose={onClose}
        />
      );
  }
}
