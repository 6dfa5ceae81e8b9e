import { useState } from 'preact/hooks';
import { sentenceOf } from '../data/api-client';
import { Dialog } from './dialog';
import { useFleet } from './console-context';

/** The form for the operator token. */
export function SignInForm({ onDone, onCancel }: { readonly onDone: () => void; readonly onCancel?: () => void }) {
  const watch = useFleet();
  const [token, setToken] = useState('');
  const [fault, setFault] = useState('');
  const [isWorking, setWorking] = useState(false);
  const send = async (event: Event): Promise<void> => {
    event.preventDefault();
    setWorking(true);
    setFault('');
    try {
      await watch.signIn(token);
      onDone();
    } catch (error) {
      setFault(sentenceOf(error));
    } finally {
      setWorking(false);
    }
  };
  return (
    <form class="form" onSubmit={(event) => void send(event)}>
      {/* Password managers want a name to keep the token under. */}
      <input
        class="hidden-name"
        type="text"
        autocomplete="username"
        value="operator"
        readOnly
        tabIndex={-1}
        aria-hidden="true"
      />
      <label>
        Operator token
        <input
          type="password"
          autocomplete="current-password"
          required
          autofocus
          value={token}
          aria-describedby="sign-in-fault"
          onInput={({ currentTarget }) => setToken(currentTarget.value)}
        />
      </label>
      <p id="sign-in-fault" class="fault" role="alert">
        {fault}
      </p>
      <div class="buttons">
        <button type="submit" class="primary" disabled={isWorking || token === ''}>
          {isWorking ? 'Signing in …' : 'Sign in'}
        </button>
        {onCancel === undefined ? null : (
          <button type="button" onClick={onCancel}>
            Cancel
          </button>
        )}
      </div>
    </form>
  );
}

export interface SignInDialogProps {
  /** What the token is needed for. */
  readonly purpose: string;
  readonly onDone: () => void;
  readonly onClose: () => void;
}

export function SignInDialog({ purpose, onDone, onClose }: SignInDialogProps) {
  const { access } = useFleet();
  if (access?.tokenIsSet === false) {
    return (
      <Dialog title="Read-only" onClose={onClose}>
        <p>{access.sentence}</p>
        <div class="buttons">
          <button type="button" autofocus onClick={onClose}>
            Close
          </button>
        </div>
      </Dialog>
    );
  }
  return (
    <Dialog title="Sign in" onClose={onClose}>
      <p>{purpose} needs the server’s operator token.</p>
      <SignInForm onDone={onDone} onCancel={onClose} />
    </Dialog>
  );
}
