import type { RegisteredModel } from '@dais/api/registry';
import { Link, useNavigate } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';
import { promptAddress, promptsAddress } from '#addresses.ts';
import { RowLink } from '#kinds/row-link.tsx';
import { useCopyForms } from '#kinds/use-copy-forms.ts';
import { daisCommand } from '#kinds/cli-command.ts';
import { PendingApprovals } from '#pages/models/pending-approvals.tsx';
import { useRegistryScope, useModels, usePendingApprovals } from '#pages/models/use-registry.ts';
import { useAddressQuery } from '#server/address-fields.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { PausingInput } from '#ui/pausing-input.tsx';
import { readSort, ResourceTable, writeSort, type TableColumn } from '#ui/resource-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { Time } from '#ui/time.tsx';
import '#ui/filter-bar.css';
import '#pages/models/models.css';

const FIRST = `import mlflow

mlflow.genai.register_prompt("summary", template="Sum {{ text }} up in {{ count }} words.")`;

/** All prompts of a project: versions in use, newest versions. */
export function PromptsPage() {
  const project = useCurrentProject();
  const navigate = useNavigate();
  const { name = '', sort = '', selected } = useAddressQuery();
  const scope = useRegistryScope(project);
  const prompts = useModels(scope, 'prompt');
  const pending = usePendingApprovals(scope);
  const names = useMemo(() => new Set(prompts.data?.map((prompt) => prompt.name)), [prompts.data]);
  const shown = useMemo(
    () => prompts.data?.filter((prompt) => prompt.name.toLowerCase().includes(name.toLowerCase())),
    [prompts.data, name],
  );
  const columns = useMemo(() => promptColumns(project), [project]);
  const update = (change: Readonly<Record<string, string | undefined>>) =>
    void navigate({ to: '.', search: (before: object) => ({ ...before, ...change }), replace: true });
  const open = useCallback(
    (prompt: RegisteredModel) => void navigate(promptAddress(project, prompt.name)),
    [navigate, project],
  );
  const forms = useCopyForms({
    command: daisCommand(['get', 'models'], project),
    call: { project, path: '/api/v1/registry/search/models' },
  });
  return (
    <div className="page">
      <PageHead
        title="Prompts"
        under={<span className="page-head-brief">Versioned prompt templates for language models, with aliases.</span>}
        actions={<CopyAs forms={forms} />}
      />
      {prompts.error !== null && <ErrorNote error={prompts.error} retry={() => void prompts.refetch()} />}
      <PendingApprovals project={project} approvals={(pending.data ?? []).filter(({ model }) => names.has(model))} />
      {shown === undefined ? (
        prompts.error === null && <Skeleton rows={8} />
      ) : shown.length === 0 && name === '' ? (
        <EmptyState sentence={`No prompts in ${project} yet. Register one with MLflow.`} command={FIRST} />
      ) : (
        <>
          <div className="filter">
            <PausingInput
              label="Name contains"
              value={name}
              onValue={(value) => update({ name: value })}
              placeholder="Name contains"
              className="filter-name"
            />
            <div className="filter-summary" role="status">
              {shown.length.toLocaleString('en')}
            </div>
          </div>
          {shown.length === 0 ? (
            <EmptyState sentence="No matches.">
              <Link {...promptsAddress(project)}>Show all prompts</Link>
            </EmptyState>
          ) : (
            <ResourceTable
              key={`${project} ${name} ${sort}`}
              label="Prompts"
              rows={shown}
              columns={columns}
              keyOf={nameOf}
              complete
              sort={readSort(sort)}
              onSort={(next) => update({ sort: writeSort(next) })}
              selected={selected}
              onSelect={(key) => update({ selected: key })}
              onOpen={open}
            />
          )}
        </>
      )}
    </div>
  );
}

const nameOf = ({ name }: RegisteredModel) => name;

function newestOf({ latestVersions }: RegisteredModel): number {
  return Math.max(0, ...latestVersions.map(({ version }) => version));
}

function promptColumns(project: string): readonly TableColumn<RegisteredModel>[] {
  return [
    {
      id: 'name',
      title: 'Name',
      width: 'minmax(180px, 2fr)',
      cell: ({ name }) => <RowLink address={promptAddress(project, name)}>{name}</RowLink>,
      sortValue: nameOf,
    },
    {
      id: 'newest',
      title: 'Latest version',
      width: '90px',
      cell: (prompt) => (newestOf(prompt) === 0 ? <span className="dim">none</span> : <>version {newestOf(prompt)}</>),
      sortValue: newestOf,
    },
    {
      id: 'aliases',
      title: 'Aliases',
      width: 'minmax(160px, 2fr)',
      cell: ({ aliases }) => (
        <span className="alias-chips">
          {Object.entries(aliases).map(([alias, version]) => (
            <span key={alias} className="label-chip">
              {alias} {version}
            </span>
          ))}
        </span>
      ),
    },
    {
      id: 'description',
      title: 'Description',
      width: 'minmax(140px, 2fr)',
      cell: ({ description }) => <span title={description}>{description}</span>,
    },
    {
      id: 'changed',
      title: 'Updated',
      width: '110px',
      cell: ({ updatedAt }) => <Time at={new Date(updatedAt).toISOString()} />,
      sortValue: ({ updatedAt }) => updatedAt,
    },
  ];
}
