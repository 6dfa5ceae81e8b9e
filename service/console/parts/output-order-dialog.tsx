import { useState } from 'preact/hooks';
import type { OrderResult } from '../../http/api/schemas/order';
import type { OutputStatus } from '../../http/api/schemas/output';
import { outputPlace } from '../../http/api/schemas/output-place';
import { OUTPUT_NAMES } from '../data/output-words';
import { useFleet } from './console-context';
import { OrderDialog } from './order-dialog';

/** What the operator is asked before an output changes. */
export type OutputQuestion =
  { readonly about: 'forward' | 'record' | 'stop' } | { readonly about: 'remove'; readonly output: OutputStatus };

export interface OutputOrderDialogProps {
  readonly question: OutputQuestion;
  readonly channel: string;
  readonly onClose: () => void;
}

type Formats = 'default' | 'flv' | 'mp4' | 'flv,mp4';

const FORMATS: Readonly<Record<Formats, string>> = {
  default: 'as the node is set up',
  flv: 'FLV',
  mp4: 'MP4',
  'flv,mp4': 'FLV and MP4',
};

/** Adds and removes outputs of a live stream, after a question. */
export function OutputOrderDialog({ question, channel, onClose }: OutputOrderDialogProps) {
  const { api } = useFleet();
  const [url, setUrl] = useState('');
  const [formats, setFormats] = useState<Formats>('default');
  const post = (order: string, body?: object): Promise<OrderResult> =>
    api.post<OrderResult>(`streams/${encodeURIComponent(channel)}/${order}`, body);
  switch (question.about) {
    case 'forward':
      return (
        <OrderDialog
          question={`Forward ${channel}`}
          consequence="The target gets the stream from the next keyframe on, until the stream ends or the forward is removed."
          verb="Forward"
          isHarmless
          isReady={url.trim() !== ''}
          give={() => post('forward', { url: url.trim() })}
          onClose={onClose}
        >
          <div class="form">
            <label>
              Address, with its key
              <input
                type="password"
                autocomplete="off"
                placeholder="rtmps://HOST/APP/KEY"
                value={url}
                onInput={({ currentTarget }) => setUrl(currentTarget.value)}
              />
            </label>
          </div>
        </OrderDialog>
      );
    case 'record':
      return (
        <OrderDialog
          question={`Record ${channel}?`}
          consequence="The recording begins with the next keyframe. It ends with the stream, or when it is stopped."
          verb="Record"
          isHarmless
          give={() => post('record', formats === 'default' ? {} : { formats: formats.split(',') })}
          onClose={onClose}
        >
          <label class="choice">
            Format
            <select value={formats} onChange={({ currentTarget }) => setFormats(currentTarget.value as Formats)}>
              {Object.entries(FORMATS).map(([value, name]) => (
                <option key={value} value={value}>
                  {name}
                </option>
              ))}
            </select>
          </label>
        </OrderDialog>
      );
    case 'stop':
      return (
        <OrderDialog
          question={`Stop recording ${channel}?`}
          consequence="The recordings are completed and stored. The stream continues."
          verb="Stop recording"
          give={() => post('stop-recording')}
          onClose={onClose}
        />
      );
    case 'remove': {
      const { output } = question;
      return (
        <OrderDialog
          question={`Remove this ${OUTPUT_NAMES[output.kind]}?`}
          consequence={`${outputPlace(output)} gets no more of ${channel}. The stream continues.`}
          verb="Remove"
          give={() => post('remove-output', { output: output.id })}
          onClose={onClose}
        />
      );
    }
  }
}
