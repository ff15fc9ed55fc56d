import type { Resource } from '@dais/api';
import type { PolicyReason } from '@dais/api/access';
import { Link } from '@tanstack/react-router';
import { reasonLocation } from './reason-location.ts';
import { namedAddress } from '#addresses.ts';
import { StateBadge } from '#ui/state-badge.tsx';
import './access.css';

export interface ReasonListProps {
  readonly reasons: readonly PolicyReason[];
  readonly policies: readonly Resource[];
  readonly project: string;
}

/** The deciding rules, each with a link to its source and its message. */
export function ReasonList({ reasons, policies, project }: ReasonListProps) {
  return (
    <ul className="reasons">
      {reasons.map((reason) => (
        <li key={reason.id}>
          <StateBadge
            state={reason.effect === 'permit' ? 'ok' : 'failed'}
            word={reason.effect === 'permit' ? 'permits' : 'forbids'}
          />
          <div>
            <ReasonName id={reason.id} policies={policies} project={project} />
            {reason.message !== undefined && reasonLocation(reason.id, policies).type !== 'words' && (
              <p>{reason.message}</p>
            )}
            {(reason.severity !== undefined || reason.control !== undefined) && (
              <p className="dim">
                {reason.severity !== undefined && (
                  <>
                    severity <code>{reason.severity}</code>
                  </>
                )}
                {reason.control !== undefined && (
                  <>
                    {reason.severity !== undefined && ', '}control <code>{reason.control}</code>
                  </>
                )}
              </p>
            )}
          </div>
        </li>
      ))}
    </ul>
  );
}

interface ReasonNameProps {
  readonly id: string;
  readonly policies: readonly Resource[];
  readonly project: string;
}

/** One deciding rule, linked where the viewer can read its source. */
export function ReasonName({ id, policies, project }: ReasonNameProps) {
  const location = reasonLocation(id, policies);
  if (location.type === 'words') return <span>{location.text}</span>;
  if (location.type === 'unknown') {
    return (
      <span>
        policy <code>{id}</code>
      </span>
    );
  }
  const address = namedAddress(location.kind, location.project ?? project, location.name);
  const name = location.type === 'policy' ? id : location.name;
  return (
    <span>
      {WORDS[location.kind] ?? location.kind} {address === undefined ? name : <Link {...address}>{name}</Link>}
    </span>
  );
}

const WORDS: Readonly<Record<string, string>> = {
  RoleBinding: 'role binding',
  OrganizationRoleBinding: 'role binding of the organization',
  Policy: 'policy',
  OrganizationPolicy: 'policy of the organization',
};
