import type { Explanation } from '../../http/api/schemas/explain';
import { formatDuration } from '../data/format';
import { RefusalList } from './refusal-list';

const VERDICTS: Readonly<Record<Explanation['verdict'], string>> = {
  live: 'Live',
  held: 'Publisher lost',
  starting: 'Starting',
  blocked: 'Blocked',
  refused: 'Refused',
  idle: 'Not live',
};

/** Why a channel is not live, and what to do. */
export function ExplanationPanel({ explanation }: { readonly explanation: Explanation }) {
  const { verdict, sentence, advice, refusals, blockedSeconds, unanswered } = explanation;
  return (
    <section class="panel" aria-labelledby="explanation">
      <div class="panel-head">
        <h2 id="explanation">{VERDICTS[verdict]}</h2>
        <span>{sentence}</span>
      </div>
      {blockedSeconds === null ? null : <p>Publishers are kept out for another {formatDuration(blockedSeconds)}.</p>}
      {advice.length === 0 ? null : (
        <ol class="advice">
          {advice.map((text) => (
            <li key={text}>{text}</li>
          ))}
        </ol>
      )}
      {refusals.length === 0 ? null : (
        <>
          <h3>Refused lately</h3>
          <RefusalList refusals={refusals} withChannel={false} />
        </>
      )}
      {unanswered.length === 0 ? null : (
        <p class="small warning">No answer from {unanswered.map(({ node }) => node).join(', ')}.</p>
      )}
    </section>
  );
}
