import type { Resource } from '@dais/api';
import { organizationRoleBindingKind, roleBindingKind } from '@dais/api/access';
import { Link } from '@tanstack/react-router';
import { accessAddress, createAddress, resourceAddress } from '#addresses.ts';
import { useAll } from '#pages/access/use-all.ts';
import { useMay } from '#server/own-access.ts';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';

export interface RightsPanelProps {
  readonly kind: 'User' | 'ServiceAccount' | 'Team';
  readonly name: string;
  readonly project: string;
}

const FIELDS = { User: 'users', ServiceAccount: 'serviceAccounts', Team: 'teams' } as const;

/** The direct bindings of a principal; the access page also covers teams. */
export function RightsPanel({ kind, name, project }: RightsPanelProps) {
  const may = useMay(project);
  const own = useAll(roleBindingKind, project, may('roleBinding:read') === true);
  const all = useAll(organizationRoleBindingKind, project, may('organizationRoleBinding:read') === true);
  const naming = [...all, ...own].filter(({ spec }) => namesOf(spec, FIELDS[kind]).includes(name));
  const who = kind === 'ServiceAccount' ? `service:${name}` : `user:${name}`;
  return (
    <Panel
      title="Roles"
      flush={naming.length > 0}
      actions={
        <>
          {may('roleBinding:write') === true && <Link {...createAddress(roleBindingKind, project)}>Grant role</Link>}
          {kind !== 'Team' && <Link {...accessAddress(project, { who })}>Show permissions</Link>}
        </>
      }
    >
      {naming.length === 0 ? (
        <p className="dim">No visible role binding names this subject{kind === 'Team' ? '' : ' directly'}.</p>
      ) : (
        <PlainTable
          label="Bindings"
          rows={naming}
          keyOf={({ metadata }) => metadata.uid}
          columns={[
            { title: 'Role', narrow: true, cell: ({ spec }) => (spec as { role?: string }).role ?? '' },
            { title: 'Scope', narrow: true, cell: ({ metadata }) => metadata.project ?? 'everywhere' },
            { title: 'Role binding', cell: (binding) => <BindingLink binding={binding} project={project} /> },
          ]}
        />
      )}
    </Panel>
  );
}

function BindingLink({ binding, project }: { readonly binding: Resource; readonly project: string }) {
  const kind = binding.metadata.project === undefined ? organizationRoleBindingKind : roleBindingKind;
  return <Link {...resourceAddress(kind, project, binding.metadata.name)}>{binding.metadata.name}</Link>;
}

function namesOf(spec: object, field: string): readonly string[] {
  return (spec as Readonly<Record<string, readonly string[] | undefined>>)[field] ?? [];
}
