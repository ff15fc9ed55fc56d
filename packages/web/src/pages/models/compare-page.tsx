import { modelKind } from '@dais/api/registry';
import { Link, useNavigate } from '@tanstack/react-router';
import { modelSpecOf } from './model-spec.ts';
import { ObjectivesPanel } from './objectives-panel.tsx';
import { useModelScope, useModelResource, useVersion } from './use-registry.ts';
import { useVersionFacts } from './use-version-facts.ts';
import { diffRecords, signatureRecord, type DiffRow } from './version-diff.ts';
import { resourceAddress, versionAddress } from '#addresses.ts';
import { daisCommand } from '#kinds/cli-command.ts';
import { useAddressFields, useAddressQuery } from '#server/address-fields.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { Button, Checkbox } from '#ui/controls.ts';
import { CopyAs } from '#ui/copy-as.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { PageHead } from '#ui/page-head.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import './models.css';

/** Compares two versions: `?from=3&to=5`. Objectives come first. */
export function CompareVersionsPage() {
  const project = useCurrentProject();
  const { name = '' } = useAddressFields();
  const { from = '', to = '', all } = useAddressQuery();
  const navigate = useNavigate();
  const scope = useModelScope(project, name);
  const resource = useModelResource(scope);
  const left = useVersion(scope, from);
  const right = useVersion(scope, to);
  const before = useVersionFacts(project, left.data);
  const after = useVersionFacts(project, right.data);
  const error = left.error ?? right.error;
  const update = (change: Readonly<Record<string, string | undefined>>) =>
    void navigate({ to: '.', search: (now: object) => ({ ...now, ...change }), replace: true });
  const command = daisCommand(['describe', 'model', name], project);
  const titles = { before: `Version ${from}`, after: `Version ${to}` };
  const everything = all === 'yes';
  return (
    <div className="page">
      <PageHead
        title={`Compare versions ${from} and ${to} of ${name}`}
        under={
          <>
            <Link {...resourceAddress(modelKind, project, name)}>{name}</Link>
            <span>
              from <Link {...versionAddress(project, name, from)}>version {from}</Link>
            </span>
            <span>
              to <Link {...versionAddress(project, name, to)}>version {to}</Link>
            </span>
          </>
        }
        actions={
          <>
            <CopyAs
              forms={[
                { title: 'CLI command', preview: command, text: () => command },
                { title: 'Link to this page', text: () => location.href },
              ]}
            />
            <Button variant="default" onClick={() => update({ from: to, to: from })}>
              Swap versions
            </Button>
          </>
        }
      />
      {error !== null && <ErrorNote error={error} />}
      {error === null && (left.data === undefined || right.data === undefined) && <Skeleton rows={10} />}
      {left.data !== undefined && right.data !== undefined && (
        <>
          <ObjectivesPanel
            objectives={modelSpecOf(resource.data).objectives ?? []}
            before={before.metrics}
            beforeTitle={titles.before}
            after={after.metrics}
            afterTitle={titles.after}
          />
          <Checkbox
            label="Show identical values"
            checked={everything}
            onChange={(event) => update({ all: event.currentTarget.checked ? 'yes' : undefined })}
          />
          <DiffPanel title="Metrics" rows={diffRecords(before.metrics, after.metrics)} {...{ titles, everything }} />
          <DiffPanel title="Parameters" rows={diffRecords(before.params, after.params)} {...{ titles, everything }} />
          <DiffPanel
            title="Signature"
            rows={diffRecords(signatureRecord(before.file), signatureRecord(after.file))}
            {...{ titles, everything }}
          />
          <DiffPanel title="Tags" rows={diffRecords(left.data.tags, right.data.tags)} {...{ titles, everything }} />
        </>
      )}
    </div>
  );
}

interface DiffPanelProps {
  readonly title: string;
  readonly rows: readonly DiffRow[];
  readonly titles: { readonly before: string; readonly after: string };
  readonly everything: boolean;
}

function DiffPanel({ title, rows, titles, everything }: DiffPanelProps) {
  const shown = everything ? rows : rows.filter(({ differs }) => differs);
  const same = rows.length - rows.filter(({ differs }) => differs).length;
  return (
    <Panel title={title} flush={shown.length > 0} actions={<span className="dim">{same} identical</span>}>
      {shown.length === 0 ? (
        <p className="dim">{rows.length === 0 ? 'Neither version has any.' : 'Both versions are identical.'}</p>
      ) : (
        <PlainTable
          label={`${title} compared`}
          rows={shown}
          keyOf={({ key }) => key}
          columns={[
            { title: 'Name', cell: ({ key }) => <code>{key}</code> },
            { title: titles.before, cell: ({ before }) => <Side text={before} /> },
            {
              title: titles.after,
              cell: ({ after, differs }) => <Side text={after} differs={differs && everything} />,
            },
          ]}
        />
      )}
    </Panel>
  );
}

function Side({ text, differs = false }: { readonly text: string | undefined; readonly differs?: boolean }) {
  if (text === undefined) return <span className="dim">missing</span>;
  return differs ? <strong>{text}</strong> : text;
}
