import { useState } from 'react';
import { tokenUses } from './token-uses.ts';
import { Button, Tabs } from '#ui/controls.ts';
import { CopyButton } from '#ui/copy-button.tsx';
import { Panel } from '#ui/panel.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import './tokens.css';

export interface TokenMadeProps {
  readonly token: string;
  readonly title: string;
  readonly expiresAt: string;
  readonly project: string | undefined;
  readonly url: string;
  readonly close: () => void;
}

/** Shows a token, which is displayed only once. */
export function TokenMade({ token, title, expiresAt, project, url, close }: TokenMadeProps) {
  const uses = tokenUses(url, token, project);
  const [use, setUse] = useState<string | null>(uses[0]?.title ?? null);
  return (
    <Panel
      title={`${title} created: copy the token now`}
      actions={
        <Button variant="default" onClick={close}>
          Done
        </Button>
      }
    >
      <div className="token-made" role="status">
        <p>
          <StateBadge state="warning" word="The token is shown once." /> The server stores only its hash. Expires{' '}
          <Time at={expiresAt} />.
        </p>
        <div className="token-text">
          <code>{token}</code>
          <CopyButton text={token} label="Copy token" />
        </div>
        <Tabs value={use} onChange={setUse}>
          <Tabs.List aria-label="Usage">
            {uses.map((one) => (
              <Tabs.Tab key={one.title} value={one.title}>
                {one.title}
              </Tabs.Tab>
            ))}
          </Tabs.List>
          {uses.map((one) => (
            <Tabs.Panel key={one.title} value={one.title}>
              <div className="token-text">
                <pre tabIndex={0}>{one.text}</pre>
                <CopyButton text={one.text} label={`Copy for ${one.title}`} />
              </div>
            </Tabs.Panel>
          ))}
        </Tabs>
      </div>
    </Panel>
  );
}
