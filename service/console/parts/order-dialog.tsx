import type { ComponentChildren } from 'preact';
import { useState } from 'preact/hooks';
import { REGISTRY } from '../../http/api/schemas/registry-name';
import type { OrderResult } from '../../http/api/schemas/order';
import { sentenceOf } from '../data/api-client';
import { Dialog } from './dialog';
import { useFleet } from './console-context';
import { SignInDialog } from './sign-in';

export interface OrderDialogProps {
  /** Such as `End cam-1?`. */
  readonly question: string;
  /** What will happen. */
  readonly consequence: string;
  /** On the button, such as `End stream`. */
  readonly verb: string;
  /** Further choices, such as for how long. */
  readonly children?: ComponentChildren;
  /** The order ends nothing. */
  readonly isHarmless?: boolean;
  /** False: a choice is missing. */
  readonly isReady?: boolean;
  readonly give: () => Promise<OrderResult>;
  readonly onClose: () => void;
}

type Stage =
  | { readonly name: 'asking' | 'working' }
  | { readonly name: 'answered'; readonly result: OrderResult }
  | { readonly name: 'failed'; readonly reason: string };

/** Asks whether an order is meant, gives it, and says what it did. Without the right to give orders, asks for the token. */
export function OrderDialog(props: OrderDialogProps) {
  const { question, consequence, verb, children, isHarmless = false, isReady = true, give, onClose } = props;
  const { access } = useFleet();
  const [stage, setStage] = useState<Stage>({ name: 'asking' });
  if (access?.mayOrder !== true && stage.name === 'asking') {
    return <SignInDialog key="sign-in" purpose={`“${verb}”`} onDone={() => undefined} onClose={onClose} />;
  }
  const confirm = async (): Promise<void> => {
    setStage({ name: 'working' });
    try {
      setStage({ name: 'answered', result: await give() });
    } catch (error) {
      setStage({ name: 'failed', reason: sentenceOf(error) });
    }
  };
  const isOver = stage.name === 'answered' || stage.name === 'failed';
  return (
    <Dialog key="order" title={question} onClose={onClose}>
      {isOver ? null : <p>{consequence}</p>}
      {isOver ? null : children}
      <div role="status">
        {stage.name === 'answered' ? <Outcome result={stage.result} /> : null}
        {stage.name === 'failed' ? <p class="outcome outcome-bad">{stage.reason}</p> : null}
      </div>
      <div class="buttons">
        {isOver ? null : (
          <button
            type="button"
            class={isHarmless ? 'primary' : 'danger'}
            disabled={!isReady || stage.name === 'working'}
            onClick={() => void confirm()}
          >
            {stage.name === 'working' ? 'Working …' : verb}
          </button>
        )}
        <button type="button" autofocus onClick={onClose}>
          {isOver ? 'Close' : 'Cancel'}
        </button>
      </div>
    </Dialog>
  );
}

function Outcome({ result }: { readonly result: OrderResult }) {
  const details = result.nodes.filter(({ detail }) => detail !== '');
  return (
    <>
      <p class={`outcome ${result.done ? 'outcome-good' : 'outcome-none'}`}>{result.sentence}</p>
      {details.length === 0 ? null : (
        <ul class="outcome-nodes">
          {details.map(({ node, detail }) => (
            <li key={node}>
              <span class="name">{node}</span> {detail}
            </li>
          ))}
        </ul>
      )}
      {result.unanswered.map(({ node, reason }) => (
        <p key={node} class="outcome outcome-none">
          {node === REGISTRY ? 'Other nodes may have acted' : `${node} did not answer and may have acted`}: {reason}
        </p>
      ))}
    </>
  );
}
