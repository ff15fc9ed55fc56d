import type { CreatedInvitation } from '@dais/api/access';
import { Button } from '#ui/controls.ts';
import { CopyButton } from '#ui/copy-button.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import '#pages/tokens/tokens.css';

export interface LinkOnceProps {
  readonly made: CreatedInvitation;
  /** Purpose of the link: `chooses a password and gets in`. */
  readonly purpose: string;
  readonly close: () => void;
}

/** Shows a sign-in link, which is displayed only once. */
export function LinkOnce({ made, purpose, close }: LinkOnceProps) {
  return (
    <div className="token-made" role="status">
      <p>
        <StateBadge state="warning" word="This link is shown once." /> Anyone who opens it {purpose}. Send it over a
        private channel. It works once and expires <Time at={made.expiresAt} />.
      </p>
      {made.tokens !== undefined && made.tokens > 0 && (
        <p>API tokens of this user stay valid after the password changes. Revoke them below if needed.</p>
      )}
      <div className="token-text">
        <code>{made.link}</code>
        <CopyButton text={made.link} label="Copy link" />
      </div>
      <p>
        <Button variant="default" onClick={close}>
          Done
        </Button>
      </p>
    </div>
  );
}
