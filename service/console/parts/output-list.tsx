import type { OutputStatus } from '../../http/api/schemas/output';
import { outputPlace } from '../../http/api/schemas/output-place';
import { OUTPUT_TITLES, OUTPUT_TONES, outputDetail } from '../data/output-words';
import type { OutputQuestion } from './output-order-dialog';

export interface OutputListProps {
  readonly outputs: readonly OutputStatus[];
  readonly ask: (question: OutputQuestion) => void;
}

/** Where else a stream goes, and the buttons with which operators change that. */
export function OutputList({ outputs, ask }: OutputListProps) {
  const isRecorded = outputs.some(({ kind, state }) => kind === 'record' && state !== 'failed');
  return (
    <section class="panel" aria-labelledby="outputs">
      <div class="panel-head">
        <h2 id="outputs">Outputs</h2>
        <div class="orders">
          <button type="button" onClick={() => ask({ about: 'forward' })}>
            Forward …
          </button>
          {isRecorded ? (
            <button type="button" onClick={() => ask({ about: 'stop' })}>
              Stop recording …
            </button>
          ) : (
            <button type="button" onClick={() => ask({ about: 'record' })}>
              Record …
            </button>
          )}
        </div>
      </div>
      {outputs.length === 0 ? (
        <p class="empty">Not forwarded, recorded or packaged.</p>
      ) : (
        <ul class="outputs">
          {outputs.map((output) => (
            <OutputItem key={output.id} output={output} ask={ask} />
          ))}
        </ul>
      )}
    </section>
  );
}

function OutputItem({ output, ask }: { readonly output: OutputStatus; readonly ask: OutputListProps['ask'] }) {
  const { id, kind, state, reason, origin } = output;
  return (
    <li class="output">
      <div class="output-head">
        <span class="output-kind">{OUTPUT_TITLES[kind]}</span>
        <span class={`mark mark-${OUTPUT_TONES[state]}`}>{state}</span>
        {origin === 'order' ? <span class="mark">ordered</span> : null}
        <button
          type="button"
          class="quiet"
          aria-label={`Remove ${id}`}
          onClick={() => ask({ about: 'remove', output })}
        >
          Remove …
        </button>
      </div>
      <p class="output-place">{outputPlace(output)}</p>
      {reason === '' ? null : <p class="small">{reason}</p>}
      <p class="small muted">{outputDetail(output)}</p>
    </li>
  );
}
