import type { Resource } from '@dais/api';
import { Link, useNavigate } from '@tanstack/react-router';
import { useEffect } from 'react';
import { AuditEntryPanel } from './audit-entry.tsx';
import { auditFilter, auditWords, type FilterName } from './audit-filter.ts';
import { AuditFilters } from './audit-filters.tsx';
import { AuditState } from './audit-state.tsx';
import { AuditTable } from './audit-table.tsx';
import { AUDIT_PAGE, useAudit, type Audit } from './use-audit.ts';
import { auditAddress, eventsAddress } from '#addresses.ts';
import { daisCommand } from '#kinds/cli-command.ts';
import { usePolicies } from '#pages/access/use-all.ts';
import { WhyPanel } from '#pages/access/why-panel.tsx';
import { useAddressFields, useAddressQuery } from '#server/address-fields.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { useMay } from '#server/own-access.ts';
import { Button } from '#ui/controls.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Panel } from '#ui/panel.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import './audit.css';

/** Audited actions and denials, newest first, filtered by the URL; `?entry=` opens one. */
export function AuditPage() {
  const { project } = useAddressFields();
  const current = useCurrentProject();
  const may = useMay(current);
  // Only the organization's log can be exported: its readers can also read that log.
  const reads = may(project === undefined ? 'audit:export' : 'audit:read');
  if (reads === true) return <Search project={project} current={current} proves={may('audit:export') === true} />;
  const title = project === undefined ? 'Audit log of the organization' : 'Audit log';
  if (reads === undefined) {
    return (
      <div className="page">
        <PageHead title={title} />
        <Skeleton rows={14} />
      </div>
    );
  }
  return (
    <div className="page">
      <PageHead title={title} />
      <p className="audit-refused">
        Only administrators of {project ?? 'the organization'} can read the audit log. Your own actions are listed in
        the <Link {...eventsAddress(current)}>events</Link>.
      </p>
      <WhyPanel
        project={current}
        who={undefined}
        shownName="You"
        action={project === undefined ? 'audit:export' : 'audit:read'}
        resource="Audit"
        policies={NONE}
      />
    </div>
  );
}

const NONE: readonly Resource[] = [];

interface SearchProps {
  /** Undefined: of the organization. */
  readonly project: string | undefined;
  readonly current: string;
  readonly proves: boolean;
}

function Search({ project, current, proves }: SearchProps) {
  const navigate = useNavigate();
  const query = useAddressQuery();
  const filter = auditFilter(query);
  const audit = useAudit(project, filter);
  const open = /^\d+$/.test(query['entry'] ?? '') ? Number(query['entry']) : undefined;
  const change = (changes: Readonly<Partial<Record<FilterName, string | undefined>>>) =>
    void navigate({
      to: '.',
      search: (before: object) => ({ ...before, ...changes, entry: undefined }),
      replace: true,
    });
  const organization = project === undefined;
  const forms = [
    ['Search', daisCommand(auditWords(filter, organization), project)],
    ['Verify the log', 'dais audit verify --checkpoints FOLDER --public-key audit.key'],
    ['Export the log', 'dais audit export --format jsonl --to log.jsonl'],
  ] as const;
  return (
    <div className="page">
      <PageHead
        title={organization ? 'Audit log of the organization' : 'Audit log'}
        under={
          organization ? (
            <Link {...auditAddress(current)}>Only entries of {current}</Link>
          ) : (
            <>
              <span>Refusals and sign-ins are in the log of the organization.</span>
              <Link {...auditAddress(undefined)}>Search the log of the organization</Link>
            </>
          )
        }
        actions={
          <CopyAs
            forms={[
              ...forms.map(([title, command]) => ({ title, preview: command, text: () => command })),
              { title: 'Link to this page', text: () => location.href },
            ]}
          />
        }
      />
      <AuditFilters filter={filter} organization={organization} change={change} />
      <div className="audit">
        <Entries audit={audit} project={current} organization={organization} open={open} />
        <div className="audit-side" data-open={open !== undefined}>
          {open !== undefined && (
            <OpenEntry
              audit={audit}
              seq={open}
              project={current}
              proves={proves}
              close={() =>
                void navigate({ to: '.', search: (before: object) => ({ ...before, entry: undefined }), replace: true })
              }
            />
          )}
          {proves && <AuditState />}
        </div>
      </div>
    </div>
  );
}

interface EntriesProps {
  readonly audit: Audit;
  readonly project: string;
  readonly organization: boolean;
  readonly open: number | undefined;
}

function Entries({ audit, project, organization, open }: EntriesProps) {
  const { entries, more, loadMore, loading, newer, error, again } = audit;
  if (entries === undefined) return error === null ? <Skeleton rows={14} /> : <ErrorNote error={error} retry={again} />;
  return (
    <div className="audit-list">
      {error !== null && <ErrorNote error={error} retry={again} />}
      {entries.length === 0 ? (
        <EmptyState sentence="No matching entries." command="dais audit list --organization" />
      ) : (
        <Panel
          title="Newest first"
          flush
          actions={
            newer ? (
              <Button variant="default" loading={loading} onClick={again}>
                Show newer entries
              </Button>
            ) : undefined
          }
        >
          <AuditTable entries={entries} project={project} organization={organization} open={open} />
        </Panel>
      )}
      <p className="dim" role="status">
        {entries.length.toLocaleString('en')} {entries.length === 1 ? 'entry' : 'entries'} shown
        {more ? ', more available. ' : ', all loaded.'}
        {more && (
          <Button variant="default" loading={loading} onClick={loadMore}>
            Load older entries
          </Button>
        )}
      </p>
    </div>
  );
}

interface OpenEntryProps {
  readonly audit: Audit;
  readonly seq: number;
  readonly project: string;
  readonly proves: boolean;
  readonly close: () => void;
}

/** Maximum number of pages that are read automatically to find a linked entry. */
const PAGES_TO_FIND = 20;

function OpenEntry({ audit, seq, project, proves, close }: OpenEntryProps) {
  const { entries, more, loading, loadMore } = audit;
  const policies = usePolicies(project);
  const found = entries?.find((entry) => entry.seq === seq);
  const oldest = entries?.at(-1)?.seq ?? Infinity;
  const further =
    found === undefined && more && seq < oldest && (entries?.length ?? 0) < PAGES_TO_FIND * AUDIT_PAGE && !loading;
  useEffect(() => {
    if (further) loadMore();
  });
  if (found !== undefined) {
    return <AuditEntryPanel entry={found} project={project} policies={policies} proves={proves} close={close} />;
  }
  if (entries === undefined || loading || further) return <Skeleton rows={8} />;
  return (
    <Panel title={`Entry ${seq}`}>
      <p>
        This entry does not match the current search.{' '}
        <Link to="." search={{ entry: String(seq) }}>
          Search without filters
        </Link>
      </p>
    </Panel>
  );
}
