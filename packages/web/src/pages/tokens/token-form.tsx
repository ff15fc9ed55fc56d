import { projectKind, type DaisError } from '@dais/api';
import { useMutation } from '@tanstack/react-query';
import { useMemo, useState } from 'react';
import { scopeGroups, scopePatterns, type ScopeGroup } from './scope-choices.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { useOwnAccess } from '#server/own-access.ts';
import { useLiveList } from '#server/use-live-list.ts';
import { Button, Checkbox, Select, TextInput, Tooltip } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { Panel } from '#ui/panel.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import './tokens.css';

/** The requested token; the server adds defaults. */
export interface TokenRequest {
  readonly title: string;
  readonly scopes?: string[];
  readonly project?: string;
  readonly days: number;
}

export interface MadeToken {
  readonly token: string;
  readonly expiresAt: string;
}

export interface TokenFormProps {
  /** Owner of the token, for the heading. */
  readonly heading: string;
  readonly create: (request: TokenRequest) => Promise<MadeToken>;
  readonly done: (made: MadeToken, request: TokenRequest) => void;
  readonly close: () => void;
}

const LIVES = [
  { value: '1', label: '1 day' },
  { value: '7', label: '7 days' },
  { value: '30', label: '30 days' },
  { value: '90', label: '90 days' },
  { value: '365', label: '1 year' },
];

const LIMITS = [
  { value: 'all', label: 'All permissions of the owner' },
  { value: 'read', label: 'Read only' },
  { value: 'chosen', label: 'Selected permissions' },
];

export function TokenForm({ heading, create, done, close }: TokenFormProps) {
  const [title, setTitle] = useState('');
  const [limit, setLimit] = useState('all');
  const [days, setDays] = useState('90');
  const [project, setProject] = useState<string | null>(null);
  const [chosen, setChosen] = useState<ReadonlySet<string>>(new Set());
  const { rows: projects } = useLiveList(projectKind, undefined, '');
  const groups = useScopeGroups(project ?? undefined);
  const patterns = scopePatterns(groups ?? [], chosen);
  const { mutate, isPending, error } = useMutation<MadeToken, DaisError, TokenRequest>({
    mutationFn: create,
    onSuccess: done,
  });
  const why =
    title.trim() === ''
      ? 'Enter a name first'
      : limit === 'chosen' && patterns.length === 0
        ? 'Select permissions first'
        : undefined;
  const submit = () => {
    if (why !== undefined) return;
    const scopes = limit === 'read' ? ['*:read'] : limit === 'chosen' ? [...patterns] : undefined;
    mutate({
      title: title.trim(),
      days: Number(days),
      ...(scopes !== undefined && { scopes }),
      ...(project !== null && { project }),
    });
  };
  return (
    <Panel title={heading}>
      <form
        className="token-form"
        onSubmit={(event) => {
          event.preventDefault();
          submit();
        }}
      >
        <div className="token-fields">
          <TextInput
            label="Name"
            placeholder="Notebook on my laptop"
            maxLength={128}
            autoFocus
            value={title}
            onChange={(event) => setTitle(event.currentTarget.value)}
          />
          <Select
            label="Expires after"
            data={LIVES}
            value={days}
            allowDeselect={false}
            onChange={(value) => setDays(value ?? '90')}
          />
          <Select
            label="Project"
            placeholder="All projects"
            data={(projects ?? []).map(({ metadata }) => metadata.name)}
            value={project}
            clearable
            clearButtonProps={{ 'aria-label': 'All projects' }}
            onChange={setProject}
          />
          <Select
            label="Permissions"
            data={LIMITS}
            value={limit}
            allowDeselect={false}
            onChange={(value) => setLimit(value ?? 'all')}
          />
        </div>
        {limit === 'chosen' &&
          (groups === undefined ? (
            <Skeleton rows={4} />
          ) : (
            <ScopePicker groups={groups} chosen={chosen} choose={setChosen} />
          ))}
        {limit === 'chosen' && patterns.length > 0 && (
          <p className="dim" role="status">
            Permissions: <code>{patterns.join(', ')}</code>
          </p>
        )}
        {error !== null && <ErrorNote error={error} />}
        <div className="token-end">
          <Tooltip label={why ?? ''} disabled={why === undefined}>
            <Button
              type="submit"
              loading={isPending}
              aria-disabled={why !== undefined}
              {...(why !== undefined && { 'data-disabled': true })}
            >
              Create token
            </Button>
          </Tooltip>
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <span className="dim">A token never has more permissions than its owner.</span>
        </div>
      </form>
    </Panel>
  );
}

function useScopeGroups(project: string | undefined): readonly ScopeGroup[] | undefined {
  const current = useCurrentProject();
  const { data } = useOwnAccess(project ?? current);
  return useMemo(() => data && scopeGroups(data.items), [data]);
}

interface ScopePickerProps {
  readonly groups: readonly ScopeGroup[];
  readonly chosen: ReadonlySet<string>;
  readonly choose: (chosen: ReadonlySet<string>) => void;
}

function ScopePicker({ groups, chosen, choose }: ScopePickerProps) {
  const set = (action: string, on: boolean) => {
    const next = new Set(chosen);
    if (on) next.add(action);
    else next.delete(action);
    choose(next);
  };
  return (
    <fieldset className="token-scopes">
      <legend>Limited to your own permissions</legend>
      {groups.map(({ noun, verbs }) => (
        <div key={noun} className="token-scope">
          <strong>{noun}</strong>
          {verbs.map((verb) => (
            <Checkbox
              key={verb}
              size="xs"
              label={verb}
              aria-label={`${noun}:${verb}`}
              checked={chosen.has(`${noun}:${verb}`)}
              onChange={(event) => set(`${noun}:${verb}`, event.currentTarget.checked)}
            />
          ))}
        </div>
      ))}
    </fieldset>
  );
}
