import { Link } from '@tanstack/react-router';
import { verbOf, type AccessGroup, type AccessItem } from './access-grid.ts';
import { accessAddress } from '#addresses.ts';
import { StateBadge, type State } from '#ui/state-badge.tsx';
import '#ui/plain-table.css';
import './access.css';

export interface AccessTableProps {
  readonly groups: readonly AccessGroup[];
  readonly project: string;
  /** Principal in the URL; undefined: the viewer. */
  readonly who: string | undefined;
  /** Kind and action of the explained cell. */
  readonly chosen: { readonly kind: string | undefined; readonly action: string | undefined };
}

const DECISIONS = {
  allow: { state: 'ok', word: 'yes' },
  deny: { state: 'off', word: 'no' },
  conditional: { state: 'warning', word: 'conditional' },
} as const satisfies Record<AccessItem['decision'], { state: State; word: string }>;

/** Kinds and actions; each decision links to its explanation. */
export function AccessTable({ groups, project, who, chosen }: AccessTableProps) {
  const decision = (item: AccessItem, verb?: string) => {
    const current = item.action === chosen.action && item.kind === chosen.kind;
    return (
      <Link
        key={item.action}
        {...accessAddress(project, { ...(who !== undefined && { who }), action: item.action, resource: item.kind })}
        replace
        className="access-decision"
        aria-current={current ? 'true' : undefined}
        aria-label={`${item.action}: ${DECISIONS[item.decision].word}`}
      >
        <StateBadge {...DECISIONS[item.decision]} {...(verb !== undefined && { word: verb })} />
      </Link>
    );
  };
  return (
    <div className="plain-table" role="region" aria-label="Permissions by kind and action" tabIndex={0}>
      <table className="access-table">
        <thead>
          <tr>
            <th scope="col">Kind</th>
            <th scope="col">Read</th>
            <th scope="col">Write</th>
            <th scope="col">Delete</th>
            <th scope="col">Other actions</th>
          </tr>
        </thead>
        {groups.map(({ scope, rows }) => (
          <tbody key={scope}>
            <tr className="access-scope">
              <th colSpan={5} scope="rowgroup">
                {scope === 'project' ? `In ${project}` : scope === 'org' ? 'In the organization' : 'Other'}
              </th>
            </tr>
            {rows.map((row) => (
              <tr key={row.kind}>
                <th scope="row">{row.kind.replaceAll(/(?<=[a-z])(?=[A-Z])/g, ' ').replace('Organization ', 'Org ')}</th>
                {([row.read, row.write, row.delete] as const).map((item, at) => (
                  <td key={COLUMNS[at]}>{item === undefined ? '' : decision(item)}</td>
                ))}
                <td>
                  <span className="access-further">
                    {row.further.map((item) => decision(item, verbOf(item.action)))}
                  </span>
                </td>
              </tr>
            ))}
          </tbody>
        ))}
      </table>
    </div>
  );
}

const COLUMNS = ['read', 'write', 'delete'] as const;
