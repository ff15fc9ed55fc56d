import { Link } from '@tanstack/react-router';
import { verbOf, type AccessGroup, type AccessItem } from './access-grid.ts';
import { accessAddress } from '#addresses.ts';
import { StateBadge, type State } from '#ui/state-badge.tsx';
import '#ui/plain-table.css';
import './access.css';

export interface AccessTableProps {
  readonly groups: readonly AccessGroup[];
  readonly project: string;
  /** As the address names them; undefined: oneself. */
  readonly who: string | undefined;
  /** Kind and action of the cell that is explained. */
  readonly chosen: { readonly kind: string | undefined; readonly action: string | undefined };
}

const VERDICTS = {
  allow: { state: 'ok', word: 'yes' },
  deny: { state: 'off', word: 'no' },
  some: { state: 'warning', word: 'some' },
} as const satisfies Record<AccessItem['verdict'], { state: State; word: string }>;

/** Kinds and actions; each verdict is a link to its explanation. */
export function AccessTable({ groups, project, who, chosen }: AccessTableProps) {
  const verdict = (item: AccessItem, verb?: string) => {
    const current = item.action === chosen.action && item.kind === chosen.kind;
    return (
      <Link
        key={item.action}
        {...accessAddress(project, { ...(who !== undefined && { who }), action: item.action, resource: item.kind })}
        replace
        className="access-verdict"
        aria-current={current ? 'true' : undefined}
        aria-label={`${item.action}: ${VERDICTS[item.verdict].word}`}
      >
        <StateBadge {...VERDICTS[item.verdict]} {...(verb !== undefined && { word: verb })} />
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
                  <td key={COLUMNS[at]}>{item === undefined ? '' : verdict(item)}</td>
                ))}
                <td>
                  <span className="access-further">
                    {row.further.map((item) => verdict(item, verbOf(item.action)))}
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
