import type { TokenEntry } from '@dais/api/access';
import { ReferenceLink } from '#kinds/reference-link.tsx';
import { ActorName } from '#pages/people/actor-name.tsx';
import { useCurrentProject } from '#server/current-project.ts';
import { Button } from '#ui/controls.ts';
import { PlainTable } from '#ui/plain-table.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import { useNow } from '#ui/clock.tsx';

export interface TokenTableProps {
  readonly tokens: readonly TokenEntry[];
  /** Undefined: the viewer has no permission to revoke them. */
  readonly revoke?: ((token: TokenEntry) => void) | undefined;
}

const FORMS = { pat: 'dais_pat', sat: 'dais_sat', ses: 'dais_ses' } as const;
/** Warning time before the expiry, long enough to create another token. */
const SOON_MS = 7 * 86_400_000;

export function TokenTable({ tokens, revoke }: TokenTableProps) {
  const project = useCurrentProject();
  const now = useNow();
  return (
    <PlainTable
      label="Tokens"
      rows={tokens}
      keyOf={({ id }) => id}
      columns={[
        {
          title: 'Name',
          cell: ({ title, form, ending, createdBy }) => (
            <>
              {form === 'ses' ? `dais login on ${title}` : title}{' '}
              <code className="dim">
                {FORMS[form]}_…{ending}
              </code>
              {form === 'sat' && (
                <span className="dim">
                  {' '}
                  by <ActorName actor={createdBy} project={project} />
                </span>
              )}
            </>
          ),
        },
        {
          title: 'Permissions',
          cell: ({ scopes, project: only }) => (
            <>
              {scopes === undefined ? (
                'All permissions of the owner'
              ) : (
                <span title={scopes.join(', ')}>
                  {scopes.slice(0, 3).map((scope) => (
                    <code key={scope} className="label-chip">
                      {scope}
                    </code>
                  ))}
                  {scopes.length > 3 && <span className="dim">and {scopes.length - 3} more</span>}
                </span>
              )}
              {only !== undefined && (
                <>
                  {' '}
                  in <ReferenceLink kind="Project" name={only} project={only} /> only
                </>
              )}
            </>
          ),
        },
        {
          title: 'Last used',
          narrow: true,
          cell: ({ usedAt, usedAddress }) =>
            usedAt === undefined ? (
              <span className="dim">never</span>
            ) : (
              <span title={usedAddress === undefined ? undefined : `from ${usedAddress}`}>
                <Time at={usedAt} />
              </span>
            ),
        },
        { title: 'Created', narrow: true, cell: ({ createdAt }) => <Time at={createdAt} /> },
        {
          title: 'Expires',
          narrow: true,
          cell: ({ expiresAt, form }) =>
            form !== 'ses' && Date.parse(expiresAt) - now < SOON_MS ? (
              <>
                <StateBadge state="warning" word="Soon:" /> <Time at={expiresAt} />
              </>
            ) : (
              <Time at={expiresAt} />
            ),
        },
        ...(revoke === undefined
          ? []
          : [
              {
                title: '',
                narrow: true,
                cell: (token: TokenEntry) => (
                  <Button variant="default" aria-label={`Revoke ${token.title}`} onClick={() => revoke(token)}>
                    Revoke
                  </Button>
                ),
              },
            ]),
      ]}
    />
  );
}
