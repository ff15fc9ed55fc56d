import { kinds, type KindSpec } from '@dais/api';
import { useQueries } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { Command } from 'cmdk';
import { useDeferredValue, useMemo, useState } from 'react';
import { matchEntries, type PaletteEntry } from './palette-match.ts';
import {
  accessAddress,
  accountAddress,
  auditAddress,
  nodesAddress,
  createAddress,
  eventsAddress,
  executionsAddress,
  experimentsAddress,
  findingsAddress,
  labelsAddress,
  mentionsAddress,
  promptsAddress,
  computeAddress,
  tracesAddress,
  usageAddress,
  listAddress,
  resourceAddress,
  type Address,
} from '#addresses.ts';
import { heading, plural, singular } from '#kinds/kind-words.ts';
import { useConsole } from '#server/console-context.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { readAction, useMay } from '#server/own-access.ts';
import { Modal } from '#ui/controls.ts';
import { useTheme } from '#ui/use-theme.ts';
import './palette.css';

export interface PaletteProps {
  readonly close: () => void;
  readonly showShortcuts: () => void;
}

/** Maximum number of shown entries of one group. */
const SHOWN = 12;
const PAGE = 1000;
/** Pages of each kind that are searched: ten thousand names are 1 MB. */
const PAGES = 10;

/** Finds any resource of the project and the organization, and every action. */
export function Palette({ close, showShortcuts }: PaletteProps) {
  const project = useCurrentProject();
  const [text, setText] = useState('');
  const [chosen, setChosen] = useState('');
  const query = useDeferredValue(text);
  const { entries: resources, loading } = useResourceEntries(project);
  const actions = useActionEntries(project, showShortcuts);
  const foundActions = useMemo(() => matchEntries(actions, query, SHOWN), [actions, query]);
  const foundResources = useMemo(
    () => (query.trim() === '' ? [] : matchEntries(resources, query, SHOWN)),
    [resources, query],
  );
  const ids = [...foundResources, ...foundActions].map(({ id }) => id);
  const choose = (entry: RunnableEntry) => {
    close();
    entry.run();
  };
  return (
    <Modal opened onClose={close} title="Search or run a command" bare size={640} yOffset="12vh">
      <Command
        shouldFilter={false}
        label="Search or run a command"
        loop
        className="palette"
        // Entries arrive after the text that requests them: Enter selects the first of the present ones.
        value={ids.includes(chosen) ? chosen : (ids[0] ?? '')}
        onValueChange={setChosen}
      >
        <Command.Input
          value={text}
          onValueChange={setText}
          placeholder="Type a name, a kind or an action"
          autoFocus
          data-autofocus
        />
        <Command.List>
          {foundResources.length > 0 && (
            <Command.Group heading="Resources">
              {foundResources.map((entry) => (
                <PaletteItem key={entry.id} entry={entry} choose={choose} />
              ))}
            </Command.Group>
          )}
          {foundActions.length > 0 && (
            <Command.Group heading="Pages and actions">
              {foundActions.map((entry) => (
                <PaletteItem key={entry.id} entry={entry} choose={choose} />
              ))}
            </Command.Group>
          )}
          {foundResources.length + foundActions.length === 0 && (
            <Command.Empty>{loading ? 'Loading names…' : 'No results.'}</Command.Empty>
          )}
        </Command.List>
      </Command>
    </Modal>
  );
}

interface RunnableEntry extends PaletteEntry {
  readonly run: () => void;
}

function PaletteItem({
  entry,
  choose,
}: {
  readonly entry: RunnableEntry;
  readonly choose: (entry: RunnableEntry) => void;
}) {
  return (
    <Command.Item value={entry.id} onSelect={() => choose(entry)}>
      <span>{entry.title}</span>
      <span className="dim">{entry.hint}</span>
    </Command.Item>
  );
}

function useResourceEntries(project: string): { entries: readonly RunnableEntry[]; loading: boolean } {
  const { client } = useConsole();
  const navigate = useNavigate();
  const may = useMay(project);
  const { names, loading } = useQueries({
    queries: kinds.map((kind) => ({
      enabled: may(readAction(kind)) === true,
      queryKey: ['names', kind.kind, kind.scope === 'org' ? undefined : project],
      queryFn: async ({ signal }: { readonly signal: AbortSignal }) => {
        const scoped = kind.scope === 'org' ? client : client.withProject(project);
        const found: string[] = [];
        let cursor: string | undefined;
        for (let page = 0; page < PAGES; page++) {
          // oxlint-disable-next-line no-await-in-loop -- each page names the next
          const answer = await scoped.listPage(kind.kind, { limit: PAGE, cursor }, { signal });
          found.push(...answer.items.map(({ metadata }) => metadata.name));
          cursor = answer.nextCursor;
          if (cursor === undefined) break;
        }
        return found;
      },
      staleTime: 30_000,
    })),
    combine: (results) => ({
      names: results.map(({ data }) => data),
      loading: results.some(({ isLoading }) => isLoading),
    }),
  });
  const entries = useMemo(
    () =>
      kinds.flatMap((kind, at) =>
        (names[at] ?? []).map((name) =>
          resourceEntry(kind, name, () => void navigate(resourceAddress(kind, project, name))),
        ),
      ),
    [names, project, navigate],
  );
  return { entries, loading };
}

function resourceEntry(kind: KindSpec, name: string, run: () => void): RunnableEntry {
  return { id: `${kind.kind}/${name}`, title: name, hint: singular(kind), run };
}

function useActionEntries(project: string, showShortcuts: () => void): readonly RunnableEntry[] {
  const navigate = useNavigate();
  const { shown, toggle } = useTheme();
  return useMemo(() => {
    const go = (id: string, title: string, hint: string, address: Address): RunnableEntry => ({
      id: `go ${id}`,
      title,
      hint,
      run: () => void navigate(address),
    });
    return [
      go('home', 'Home', 'g h', { to: '/', params: {} }),
      ...kinds.map((kind) => go(kind.plural, heading(plural(kind)), 'list', listAddress(kind, project))),
      ...kinds.map((kind) =>
        go(`create ${kind.kind}`, `Create ${singular(kind)}`, 'action', createAddress(kind, project)),
      ),
      go('events', `Events of ${project}`, 'g e', eventsAddress(project)),
      go('data', `Datasets of ${project}`, 'page', { to: '/projects/$project/data', params: { project } }),
      go('findings', `Personal data findings of ${project}`, 'page', findingsAddress(project)),
      go('labels', `Label sets of ${project}`, 'page', labelsAddress(project)),
      go('experiments', `Experiments of ${project}`, 'g r', experimentsAddress(project)),
      go('executions', `Jobs and pipeline runs of ${project}`, 'g x', executionsAddress(project)),
      go('compute', `Compute: quotas, usage and queued steps of ${project}`, 'page', computeAddress(project)),
      go('prompts', `Prompts of ${project}`, 'g t', promptsAddress(project)),
      go('traces', `Traces of ${project}`, 'page', tracesAddress(project)),
      go('mentions', `Mentions of me in ${project}`, 'g n', mentionsAddress(project)),
      go('access', `Access: my permissions in ${project}`, 'g a', accessAddress(project)),
      go('audit', `Audit log of ${project}`, 'g l', auditAddress(project)),
      go('organization audit', 'Audit log of the organization', 'page', auditAddress(undefined)),
      go('usage', `Usage of ${project}`, 'page', usageAddress(project)),
      go('organization usage', 'Usage of all projects', 'page', usageAddress(undefined)),
      go('nodes', 'Nodes of the installation', 'page', nodesAddress()),
      go('account', 'Account: password and theme', 'page', accountAddress('account')),
      go('tokens', 'API tokens', 'page', accountAddress('tokens')),
      go('sessions', 'Sessions', 'page', accountAddress('sessions')),
      go('device', 'Authorize a command line', 'page', { to: '/device', params: {} }),
      go('organization events', 'Events of the organization', 'page', eventsAddress(undefined)),
      { id: 'theme', title: shown === 'dark' ? 'Use light theme' : 'Use dark theme', hint: 'd', run: toggle },
      { id: 'shortcuts', title: 'Keyboard shortcuts', hint: '?', run: showShortcuts },
      {
        id: 'docs',
        title: 'Documentation',
        hint: 'opens in a new tab',
        run: () => void window.open('docs/', '_blank', 'noopener'),
      },
    ];
  }, [project, navigate, shown, toggle, showShortcuts]);
}
