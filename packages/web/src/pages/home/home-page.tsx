import { kinds, type KindSpec, type Resource } from '@dais/api';
import type { IsolationInfo } from '@dais/api/executions';
import { useQueries } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { lazy, Suspense } from 'react';
import { NextSteps } from './next-steps.tsx';
import { recentEvents } from './recent-events.ts';
import { useFreshCounts } from './use-fresh-counts.ts';
import { accessAddress, eventsAddress, listAddress } from '#addresses.ts';
import { daisCommand } from '#kinds/cli-command.ts';
import { heading, plural, singular } from '#kinds/kind-words.ts';
import { useCopyForms } from '#kinds/use-copy-forms.ts';
import { EventList } from '#pages/events/event-list.tsx';
import { useConsole } from '#server/console-context.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { readAction, useMay } from '#server/own-access.ts';
import { useServerInfo } from '#server/session.ts';
import { useLiveEvents } from '#server/use-live-events.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Panel } from '#ui/panel.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import './home-page.css';

/** Maximum number of examined resources of a kind. */
const MOST = 1000;
const SHOWN_EVENTS = 15;

/** Queries of ledgers are not part of the first view: the frame, counts and events are rendered before them. */
const Attention = lazy(async () => ({ default: (await import('./attention.tsx')).Attention }));

const IsolationNote = lazy(async () => ({ default: (await import('./isolation-note.tsx')).IsolationNote }));

/** The isolation of user code; `dais doctor` and the check `isolation` of /readyz explain it. */
const BOUNDARIES: Readonly<Record<IsolationInfo['boundary'], string>> = {
  bubblewrap: 'namespaces',
  'bubblewrap-without-proc': 'namespaces without /proc',
  landlock: 'Landlock',
  none: 'none',
};

/** The home page: what needs attention comes first. */
export function HomePage() {
  const project = useCurrentProject();
  const server = useServerInfo();
  const may = useMay(project);
  const counts = useCounts(project);
  const forms = useCopyForms({
    command: daisCommand(['events'], project),
    call: { project, path: '/api/v1/events' },
  });
  return (
    <div className="page">
      <PageHead
        title="Home"
        actions={<CopyAs forms={forms} />}
        under={
          server !== undefined && (
            <>
              <span>Dais {server.version}</span>
              <span>
                started <Time at={server.startedAt} />
              </span>
              <span>
                PostgreSQL {server.database.version}, {server.database.engine}
              </span>
              {server.isolation !== undefined && <span>Isolation: {BOUNDARIES[server.isolation.boundary]}</span>}
            </>
          )
        }
      />
      {server?.isolation?.boundary === 'none' && (
        <Suspense>
          <IsolationNote isolation={server.isolation} />
        </Suspense>
      )}
      {counts === undefined ? (
        <Skeleton rows={2} />
      ) : counts.length === 0 ? (
        <NoRights project={project} />
      ) : (
        <Counts counts={counts} project={project} />
      )}
      <div className="home-panels">
        {may('event:read') === true && <Events project={project} />}
        <Panel title="Next steps">
          <NextSteps project={project} countOf={(word) => counts?.find(({ kind }) => kind.kind === word)?.count} />
        </Panel>
      </div>
    </div>
  );
}

function Counts({ counts, project }: { readonly counts: readonly KindCount[]; readonly project: string }) {
  const failed = counts.find(({ error }) => error !== null)?.error ?? undefined;
  const loading = counts.some(({ count, error }) => count === undefined && error === null);
  const endpoints = counts.find(({ kind }) => kind.kind === 'Endpoint')?.items ?? NONE;
  return (
    <>
      {failed !== undefined && <ErrorNote error={failed} />}
      {loading && failed === undefined ? (
        <Skeleton rows={2} />
      ) : (
        <Suspense fallback={<Skeleton rows={2} />}>
          <Attention project={project} kinds={counts} endpoints={endpoints} />
        </Suspense>
      )}
      <div className="home-counts">
        <CountRow
          title={`Project ${project}`}
          counts={counts.filter(({ kind }) => kind.scope === 'project')}
          project={project}
        />
        <CountRow title="Organization" counts={counts.filter(({ kind }) => kind.scope === 'org')} project={project} />
      </div>
    </>
  );
}

interface CountRowProps {
  readonly title: string;
  readonly counts: readonly KindCount[];
  readonly project: string;
}

/** Counts in the order of the rail; zero counts are dimmed. */
function CountRow({ title, counts, project }: CountRowProps) {
  if (counts.length === 0) return null;
  return (
    <div>
      <h2>{title}</h2>
      {counts.map(({ kind, count, more }) => (
        <Link
          key={kind.kind}
          {...listAddress(kind, project)}
          className="home-count"
          data-none={count === 0 || undefined}
        >
          <b>{count === undefined ? '–' : `${count.toLocaleString('en')}${more ? '+' : ''}`}</b>{' '}
          <span>{heading((count === 1 ? singular(kind) : plural(kind)).replace(/^organization /, ''))}</span>
        </Link>
      ))}
    </div>
  );
}

/** A user has an account, but no role yet. */
function NoRights({ project }: { readonly project: string }) {
  return (
    <div className="note note-waiting" role="status">
      <StateBadge state="waiting" word={`You have no role in ${project} yet`} />
      <p>
        You are signed in but have no role in this project. Ask an administrator for a role.{' '}
        <Link {...accessAddress(project)}>Show your permissions and how to get more</Link>
      </p>
    </div>
  );
}

function Events({ project }: { readonly project: string }) {
  const { events, error, retry } = useLiveEvents(project, {});
  useFreshCounts(events, project);
  return (
    <Panel title="Recent events" actions={<Link {...eventsAddress(project)}>All events</Link>} flush>
      {error !== undefined && <ErrorNote error={error} retry={retry} />}
      {events?.length === 0 && <EmptyState sentence="No events yet." />}
      {events !== undefined && events.length > 0 && (
        <EventList events={recentEvents(events, SHOWN_EVENTS)} project={project} />
      )}
    </Panel>
  );
}

const NONE: readonly Resource[] = [];

interface KindCount {
  readonly kind: KindSpec;
  readonly count: number | undefined;
  readonly more: boolean;
  /** Undefined until it is loaded. */
  readonly items: readonly Resource[] | undefined;
  readonly error: Error | null;
}

/** Of the readable kinds; undefined until they are known. */
function useCounts(project: string): readonly KindCount[] | undefined {
  const { client } = useConsole();
  const may = useMay(project);
  const known = may('server:read') !== undefined;
  const readable = kinds.filter((kind) => may(readAction(kind)) === true);
  const counts = useQueries({
    queries: readable.map((kind) => ({
      queryKey: ['count', kind.kind, kind.scope === 'org' ? undefined : project],
      queryFn: async ({ signal }: { readonly signal: AbortSignal }) => {
        const scoped = kind.scope === 'org' ? client : client.withProject(project);
        const page = await scoped.listPage(kind.kind, { limit: MOST }, { signal });
        const items = page.items as readonly Resource[];
        return { count: items.length, more: page.nextCursor !== undefined, items };
      },
    })),
    combine: (results) =>
      results.flatMap(({ data, error }, at): KindCount[] => {
        const kind = readable[at];
        return kind === undefined
          ? []
          : [{ kind, count: data?.count, more: data?.more === true, items: data?.items, error }];
      }),
  });
  return known ? counts : undefined;
}
