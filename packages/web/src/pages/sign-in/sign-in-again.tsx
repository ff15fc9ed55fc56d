import type { CurrentSession } from '@dais/api/access';
import { SignInForm } from './sign-in-form.tsx';
import { Modal } from '#ui/controls.ts';

export interface SignInAgainProps {
  readonly ways: CurrentSession['signIn'];
  /** The previous user. */
  readonly name: string;
  readonly onSession: (session: CurrentSession) => void;
}

/** Shown over the page of an expired session: its unsaved input is kept. */
export function SignInAgain({ ways, name, onSession }: SignInAgainProps) {
  return (
    <Modal opened stays onClose={() => undefined} size={400} title="Your session has ended">
      <div className="sign-in-again">
        <p>Sign in to continue. Your input on this page is kept.</p>
        <SignInForm ways={ways} name={name} next="/sign-in?done=yes" keepPage onSession={onSession} />
      </div>
    </Modal>
  );
}
