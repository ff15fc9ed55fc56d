import type { DaisError, Resource } from '@dais/api';
import {
  evaluatePoliciesOperation,
  listAuditedRefusalsOperation,
  listViolationsOperation,
  type AuditedRefusal,
  type PolicyViolation,
} from '@dais/api/access';
import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { Fragment } from 'react';
import { lineageAddress, namedAddress } from '#addresses.ts';
import { useClient } from '#server/console-context.ts';
import { useMay } from '#server/own-access.ts';
import { Button } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import './policies.css';

interface Status {
  readonly facts?: readonly string[];
  readonly policies?: readonly { readonly id: string }[];
}

/** Rows of each table; `dais policy violations` lists all. */
const SHOWN = 100;
/** Maximum number of policies that are requested for one resource. */
const MAX_POLICIES = 10;

/** Current violations of policies with facts, and denials that audit mode would have caused. */
export function ViolationsPanel({ resource, project }: { readonly resource: Resource; readonly project: string }) {
  const may = useMay(project);
  const { facts = [], policies = [] } = resource.status as Status;
  const prefix = resource.metadata.project === undefined ? '' : `${resource.metadata.project}/`;
  const ids = policies.slice(0, MAX_POLICIES).map(({ id }) => `${prefix}${id}`);
  if (facts.length === 0 || ids.length === 0 || may('policy:read') !== true) return null;
  return (
    <>
      <Violations ids={ids} project={project} mayEvaluate={may('policy:evaluate') === true} />
      <Audited ids={ids} project={project} />
    </>
  );
}

interface Listed {
  readonly items: readonly PolicyViolation[];
  readonly evaluatedAt: string | undefined;
  readonly notEvaluated: readonly { readonly policy: string; readonly reason: string }[];
}

interface ViolationsProps {
  readonly ids: readonly string[];
  readonly project: string;
  readonly mayEvaluate: boolean;
}

function Violations({ ids, project, mayEvaluate }: ViolationsProps) {
  const client = useClient(project);
  const queries = useQueryClient();
  const queryKey = ['policy-violations', project, ids];
  const { data, error, refetch } = useQuery<Listed, DaisError>({
    queryKey,
    queryFn: async ({ signal }) => {
      const pages = await Promise.all(
        ids.map(async (policy) => await client.perform(listViolationsOperation, { policy, limit: SHOWN }, { signal })),
      );
      return {
        items: pages.flatMap(({ items }) => items),
        evaluatedAt: pages[0]?.evaluatedAt,
        notEvaluated: (pages[0]?.notEvaluated ?? []).filter(({ policy }) => ids.includes(policy)),
      };
    },
  });
  const evaluate = useMutation<unknown, DaisError>({
    mutationFn: async () => await client.perform(evaluatePoliciesOperation, {}),
    onSuccess: async () => await queries.invalidateQueries({ queryKey }),
  });
  return (
    <Panel
      title={`Violations in ${project}`}
      flush={data !== undefined && data.items.length > 0}
      actions={
        mayEvaluate && (
          <Button variant="default" loading={evaluate.isPending} onClick={() => evaluate.mutate()}>
            Evaluate now
          </Button>
        )
      }
    >
      {error !== null && <ErrorNote error={error} retry={() => void refetch()} />}
      {evaluate.error !== null && <ErrorNote error={evaluate.error} />}
      {data === undefined && error === null && <Skeleton rows={2} />}
      {data !== undefined && data.items.length > 0 && <ViolationTable items={data.items} project={project} />}
      {data !== undefined && <Evaluated listed={data} />}
    </Panel>
  );
}

function Evaluated({ listed: { items, evaluatedAt, notEvaluated } }: { readonly listed: Listed }) {
  return (
    <>
      <p className="policy-summary dim" role="status">
        {evaluatedAt === undefined ? (
          'The project was not evaluated yet.'
        ) : (
          <>
            {items.length === 0 && 'Nothing in production violates the policy. '}Evaluated <Time at={evaluatedAt} />.
          </>
        )}
      </p>
      {notEvaluated.map(({ policy, reason }) => (
        <p key={policy} className="policy-summary dim">
          <code>{policy}</code> applies only to requests: {reason}
        </p>
      ))}
    </>
  );
}

function ViolationTable({ items, project }: Pick<Listed, 'items'> & { readonly project: string }) {
  return (
    <PlainTable
      label="Violations"
      rows={items}
      keyOf={({ policy, kind, name, alias = '' }) => `${policy} ${kind} ${name} ${alias}`}
      columns={[
        { title: 'Resource', narrow: true, cell: (item) => <ResourceName item={item} project={project} /> },
        {
          title: 'Result',
          narrow: true,
          cell: ({ result }) => <StateBadge state={result === 'violated' ? 'failed' : 'warning'} word={result} />,
        },
        { title: 'Mode', narrow: true, cell: ({ mode }) => mode },
        { title: 'Reason', cell: ({ reason }) => <div className="violation-reason">{reason}</div> },
        {
          title: 'Lineage path',
          cell: ({ path }) => (
            <div className="lineage-path">
              <LineagePath path={path} project={project} />
            </div>
          ),
        },
        { title: 'First found', narrow: true, cell: ({ since }) => <Time at={since} /> },
      ]}
    />
  );
}

function ResourceName({ item, project }: { readonly item: PolicyViolation; readonly project: string }) {
  const { kind, name, alias } = item;
  const text = alias === undefined ? name : `${name}@${alias}`;
  const address = namedAddress(kind, project, name);
  return (
    <>
      {kind} {address === undefined ? text : <Link {...address}>{text}</Link>}
    </>
  );
}

function LineagePath({ path, project }: Pick<PolicyViolation, 'path'> & { readonly project: string }) {
  return path.map(({ type, name, node }, index) => (
    <Fragment key={`${type} ${node ?? name}`}>
      {index > 0 && ' → '}
      {type !== 'cause' && <span className="dim">{type.replaceAll('-', ' ')} </span>}
      {node === undefined ? name : <Link {...lineageAddress(project, node)}>{name}</Link>}
    </Fragment>
  ));
}

function Audited({ ids, project }: Pick<ViolationsProps, 'ids' | 'project'>) {
  const client = useClient(project);
  const { data = [], error } = useQuery<readonly AuditedRefusal[], DaisError>({
    queryKey: ['policy-audited', project, ids],
    queryFn: async ({ signal }) => {
      const pages = await Promise.all(
        ids.map(
          async (policy) => await client.perform(listAuditedRefusalsOperation, { policy, limit: SHOWN }, { signal }),
        ),
      );
      return pages.flatMap(({ items }) => items);
    },
  });
  if (error !== null) return <ErrorNote error={error} />;
  if (data.length === 0) return null;
  return (
    <Panel title="Requests that enforce mode would deny" flush>
      <PlainTable
        label="Denied requests"
        rows={data}
        keyOf={({ policy, action, kind, name }) => `${policy} ${action} ${kind} ${name}`}
        columns={[
          { title: 'Action', narrow: true, cell: ({ action }) => <code>{action}</code> },
          { title: 'Resource', narrow: true, cell: ({ kind, name }) => (name === '' ? kind : `${kind} ${name}`) },
          { title: 'Reason', cell: ({ reason }) => reason },
          { title: 'Requests', narrow: true, cell: ({ count }) => count.toLocaleString('en') },
          { title: 'Last requested by', narrow: true, cell: ({ principal }) => principal.replace(/^user:/, '') },
          { title: 'Last request', narrow: true, cell: ({ lastAt }) => <Time at={lastAt} /> },
        ]}
      />
    </Panel>
  );
}
