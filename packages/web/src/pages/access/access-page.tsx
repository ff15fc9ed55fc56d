import type { DaisError } from '@dais/api';
import { readAccessOperation, type OwnAccess } from '@dais/api/access';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { accessGroups, grantsOf } from './access-grid.ts';
import { AccessTable } from './access-table.tsx';
import { PrincipalPicker } from './principal-picker.tsx';
import { ReasonName } from './reason-list.tsx';
import { usePolicies } from './use-all.ts';
import { WhyPanel } from './why-panel.tsx';
import { accessAddress, namedAddress } from '#addresses.ts';
import { daisCommand } from '#kinds/cli-command.ts';
import { useAddressQuery } from '#server/address-fields.ts';
import { useClient } from '#server/console-context.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { useOwnAccess } from '#server/own-access.ts';
import { principalOf, useSession } from '#server/session.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { KeyValue } from '#ui/key-value.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Panel } from '#ui/panel.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import './access.css';

/** The permissions of a principal in a project, with reasons: `?who=&action=&resource=`. */
export function AccessPage() {
  const project = useCurrentProject();
  const session = useSession();
  const { who, action, resource } = useAddressQuery();
  const self = session === undefined ? undefined : principalOf(session);
  const other = who !== undefined && who !== self ? who : undefined;
  const { data, error, refetch } = useAccess(project, other);
  const policies = usePolicies(project);
  const name = other === undefined ? 'You' : other.slice(other.indexOf(':') + 1);
  const about = other ?? 'me';
  const words = action === undefined ? ['ACTION'] : [action, ...(resource === undefined ? [] : [resource])];
  const command = daisCommand(['policy', 'why', about, ...words], project);
  return (
    <div className="page">
      <PageHead
        title={other === undefined ? `Your permissions in ${project}` : `Permissions of ${name} in ${project}`}
        under={
          other === undefined ? (
            'Roles allow actions and policies forbid them. An action that no role allows is denied.'
          ) : (
            <Link {...accessAddress(project)}>Show your own permissions</Link>
          )
        }
        actions={
          <>
            {self !== undefined && <PrincipalPicker project={project} who={other ?? self} self={self} />}
            <CopyAs
              forms={[
                { title: `Command: ${command}`, text: () => command },
                { title: 'Link to this page', text: () => location.href },
              ]}
            />
          </>
        }
      />
      {error !== null && (
        <ErrorNote error={error} retry={() => void refetch()}>
          {other !== undefined && (
            <p>
              <Link {...accessAddress(project)}>Show your own permissions</Link>
            </p>
          )}
        </ErrorNote>
      )}
      {data === undefined && error === null && <Skeleton rows={16} />}
      {data !== undefined && (
        <div className="access">
          <Panel title="Kinds and actions" flush>
            <AccessTable
              groups={accessGroups(data.items)}
              project={project}
              who={other}
              chosen={{ kind: resource?.split('/')[0], action }}
            />
          </Panel>
          <div className="access-side">
            {action !== undefined && (
              <WhyPanel
                key={`${other} ${action}`}
                project={project}
                who={other}
                shownName={name}
                action={action}
                resource={resource}
                policies={policies}
              />
            )}
            <Panel title={other === undefined ? 'Your account' : `Account ${name}`}>
              <About report={data} project={project} policies={policies} />
            </Panel>
            {action === undefined && (
              <p className="dim">Select a result in the table to see what decides it and what would change it.</p>
            )}
          </div>
        </div>
      )}
    </div>
  );
}

/** Everyone can query their own permissions; readers of policies can query those of others. */
function useAccess(project: string, other: string | undefined) {
  const client = useClient(project);
  const own = useOwnAccess(project);
  const others = useQuery<OwnAccess, DaisError>({
    queryKey: ['access', project, 'of', other],
    queryFn: async ({ signal }) => await client.perform(readAccessOperation, { principal: other ?? '' }, { signal }),
    enabled: other !== undefined,
  });
  return other === undefined ? own : others;
}

interface AboutProps {
  readonly report: OwnAccess;
  readonly project: string;
  readonly policies: Parameters<typeof ReasonName>[0]['policies'];
}

function About({ report, project, policies }: AboutProps) {
  const [type = '', ...rest] = report.principal.split(':');
  const name = rest.join(':');
  const kind = type === 'service' ? 'ServiceAccount' : 'User';
  const grants = grantsOf(report.items).filter((id) => id !== 'signed-in');
  const account = name === 'owner' ? undefined : namedAddress(kind, project, name);
  return (
    <KeyValue
      label="Account"
      pairs={[
        {
          key: type === 'service' ? 'service account' : 'user',
          value: account === undefined ? name : <Link {...account}>{name}</Link>,
        },
        ...(report.suspended
          ? [{ key: 'state', value: <StateBadge state="failed" word="Suspended: every action is denied" /> }]
          : []),
        {
          key: 'teams',
          about: 'Includes parent teams.',
          value:
            report.teams.length === 0 ? (
              <span className="dim">none</span>
            ) : (
              report.teams.map((team, at) => (
                <span key={team}>
                  {at > 0 && ', '}
                  <TeamLink name={team} project={project} />
                </span>
              ))
            ),
        },
        {
          key: 'granted by',
          value:
            grants.length === 0 ? (
              <span className="dim">no role or policy</span>
            ) : (
              grants.map((id) => (
                <div key={id}>
                  <ReasonName id={id} policies={policies} project={project} />
                </div>
              ))
            ),
        },
      ]}
    />
  );
}

function TeamLink({ name, project }: { readonly name: string; readonly project: string }) {
  const address = namedAddress('Team', project, name);
  return address === undefined ? name : <Link {...address}>{name}</Link>;
}
