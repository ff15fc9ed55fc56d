import { kinds, type KindSpec, type Resource } from '@dais/api';
import { useQueries } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { accessAddress, eventsAddress, listAddress, resourceAddress } from '#addresses.ts';
import { useFreshCounts } from './use-fresh-counts.ts';
import { daisCommand } from '#kinds/cli-command.ts';
import { heading, plural, singular } from '#kinds/kind-words.ts';
import { resourceState } from '#kinds/resource-state.ts';
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

/** More of a kind than this are not looked at here. */
const MOST = 1000;
const SHOWN_EVENTS = 15;

/** What needs a person comes first; what is fine is quiet. */
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
        title="What needs you?"
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
            </>
          )
        }
      />
      {counts === undefined ? (
        <Skeleton rows={2} />
      ) : counts.length === 0 ? (
        <NoRights project={project} />
      ) : (
        <Counts counts={counts} project={project} />
      )}
      <div className="home-panels">
        {may('event:read') === true && <Events project={project} />}
        <Panel title="What you can do next">
          <NextSteps />
        </Panel>
      </div>
    </div>
  );
}

function Counts({ counts, project }: { readonly counts: readonly KindCount[]; readonly project: string }) {
  const failed = counts.find(({ error }) => error !== null)?.error ?? undefined;
  const needing = counts.flatMap(({ kind, needing }) => needing.map((resource) => ({ kind, resource })));
  const loading = counts.some(({ count, error }) => count === undefined && error === null);
  return (
    <>
      {failed !== undefined && <ErrorNote error={failed} />}
      {loading && failed === undefined ? (
        <Skeleton rows={2} />
      ) : (
        failed === undefined && <Needing needing={needing} project={project} />
      )}
      <div className="home-counts">
        <CountRow
          title={`In ${project}`}
          counts={counts.filter(({ kind }) => kind.scope === 'project')}
          project={project}
        />
        <CountRow title="Organisation" counts={counts.filter(({ kind }) => kind.scope === 'org')} project={project} />
      </div>
    </>
  );
}

interface CountRowProps {
  readonly title: string;
  readonly counts: readonly KindCount[];
  readonly project: string;
}

/** In the order of the rail: what there is, and quieter what there is not. */
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
          <span>{heading((count === 1 ? singular(kind) : plural(kind)).replace(/^organisation /, ''))}</span>
        </Link>
      ))}
    </div>
  );
}

/** Somebody has an account, and nobody has given them a role yet. */
function NoRights({ project }: { readonly project: string }) {
  return (
    <div className="note note-waiting" role="status">
      <StateBadge state="waiting" word={`You have no role in ${project} yet`} />
      <p>
        You are signed in, and see nothing of this project until somebody gives you a role: ask an administrator.{' '}
        <Link {...accessAddress(project)}>What you may do, and what would change it</Link>
      </p>
    </div>
  );
}

function Events({ project }: { readonly project: string }) {
  const { events, error, retry } = useLiveEvents(project, {});
  useFreshCounts(events, project);
  return (
    <Panel title={`What happened in ${project}`} actions={<Link {...eventsAddress(project)}>All events</Link>} flush>
      {error !== undefined && <ErrorNote error={error} retry={retry} />}
      {events?.length === 0 && <EmptyState sentence="Changes would be here, newest first. None yet." />}
      {events !== undefined && events.length > 0 && (
        <EventList events={events.slice(0, SHOWN_EVENTS)} project={project} />
      )}
    </Panel>
  );
}

interface KindCount {
  readonly kind: KindSpec;
  readonly count: number | undefined;
  readonly more: boolean;
  readonly needing: readonly Resource[];
  readonly error: Error | null;
}

/** Of the kinds that may be read; undefined until it is known which. */
function useCounts(project: string): readonly KindCount[] | undefined {
  const { client } = useConsole();
  const may = useMay(project);
  const known = may('server:read') !== undefined;
  const readable = kinds.filter((kind) => may(readAction(kind)) === true);
  const counts = useQueries({
    queries: readable.map((kind) => ({
      queryKey: ['count', kind.kind, kind.scope === 'org' ? undefined : project],
      queryFn: async ({ signal }: { readonly signal: AbortSignal }) => {
        const place = kind.scope === 'org' ? client : client.withProject(project);
        const page = await place.listPage(kind.kind, { limit: MOST }, { signal });
        const items = page.items as readonly Resource[];
        return {
          count: items.length,
          more: page.nextCursor !== undefined,
          needing: items.filter((resource) => resourceState(resource)?.state === 'failed'),
        };
      },
    })),
    combine: (results) =>
      results.flatMap(({ data, error }, at): KindCount[] => {
        const kind = readable[at];
        return kind === undefined
          ? []
          : [{ kind, count: data?.count, more: data?.more === true, needing: data?.needing ?? [], error }];
      }),
  });
  return known ? counts : undefined;
}

function Needing({
  needing,
  project,
}: {
  readonly needing: readonly { readonly kind: KindSpec; readonly resource: Resource }[];
  readonly project: string;
}) {
  if (needing.length === 0) {
    return (
      <p className="home-fine">
        <StateBadge state="ok" word="Nothing needs you" />
      </p>
    );
  }
  return (
    <Panel
      title={
        needing.length === 1 ? 'One thing is not as it should be' : `${needing.length} things are not as they should be`
      }
      flush
    >
      <ul className="home-needing">
        {needing.slice(0, 50).map(({ kind, resource }) => {
          const told = resourceState(resource);
          return (
            <li key={`${kind.kind}/${resource.metadata.name}`}>
              {told !== undefined && <StateBadge {...told} />}
              <span>
                {singular(kind)}{' '}
                <Link {...resourceAddress(kind, project, resource.metadata.name)}>{resource.metadata.name}</Link>
              </span>
              <span className="dim">{told?.why}</span>
            </li>
          );
        })}
      </ul>
    </Panel>
  );
}

const NEXT = [
  ['dais apply -f manifest.yaml', 'make things what a manifest says'],
  ['dais plan -f manifest.yaml', 'see first what would change'],
  ['dais explain Secret', 'what a kind is made of'],
  ['dais events -w', 'watch what happens'],
  ['dais doctor', 'find what is wrong'],
] as const;

function NextSteps() {
  return (
    <ul className="home-next">
      {NEXT.map(([command, purpose]) => (
        <li key={command}>
          <code>{command}</code>
          <span className="dim">{purpose}</span>
        </li>
      ))}
      <li>
        <span>
          Here: <kbd>Ctrl K</kbd> finds anything, <kbd>?</kbd> lists the keys
        </span>
      </li>
    </ul>
  );
}
