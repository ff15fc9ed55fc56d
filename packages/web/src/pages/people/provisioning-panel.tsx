import type { Resource } from '@dais/api';
import { Panel } from '#ui/panel.tsx';

/** Shows which identity provider manages the user; empty for other users. */
export function ProvisioningPanel({ resource }: { readonly resource: Resource }) {
  const provider = resource.status['provisionedBy'];
  if (typeof provider !== 'string') return null;
  return (
    <Panel title="Provisioned by SCIM">
      <p className="dim">
        The identity provider “{provider}” manages this user: its email address, its display name, its groups, and
        whether it can sign in.
      </p>
    </Panel>
  );
}
