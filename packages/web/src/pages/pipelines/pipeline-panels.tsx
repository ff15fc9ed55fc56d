import type { Resource } from '@dais/api';
import type { PipelineGraph, PipelineVersion } from '@dais/api/executions';
import { useNavigate } from '@tanstack/react-router';
import { useCallback, useMemo, useState } from 'react';
import { pipelineLevel, pipelineContent } from './pipeline-level.ts';
import { RunDialog } from './run-dialog.tsx';
import { useDocument, usePipelineGraph, useVersions, type PipelineScope } from './use-pipeline.ts';
import { submitterText } from '#pages/executions/execution-words.ts';
import { useAddressQuery } from '#server/address-fields.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { Button } from '#ui/controls.ts';
import { DiffView } from '#ui/diff-view.tsx';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { layoutGraph } from '#ui/graph/graph-layout.ts';
import { GraphView } from '#ui/graph/graph-view.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { Time } from '#ui/time.tsx';
import './pipelines.css';

export interface PipelinePanelsProps {
  readonly resource: Resource;
  readonly project: string;
}

/** The plan of a pipeline, and its versions: `?version=` selects one, `?from=` another for comparison. */
export function PipelinePanels({ resource, project }: PipelinePanelsProps) {
  const { name, resourceVersion } = resource.metadata;
  const location = { project, name, seen: resourceVersion };
  const navigate = useNavigate();
  const { version: requested, from } = useAddressQuery();
  const { data, error } = useVersions(location);
  const update = (change: Readonly<Record<string, string | undefined>>) =>
    void navigate({ to: '.', search: (now: object) => ({ ...now, ...change }), replace: true });
  if (error !== null) return <ErrorNote error={error} />;
  if (data === undefined) return <Skeleton rows={6} />;
  const { versions, more } = data;
  const shown = versions.find((one) => one.name === requested) ?? versions[0];
  if (shown === undefined) {
    return <EmptyState sentence="No versions yet. Upload a pipeline to create one." />;
  }
  const before = versions.find((one) => one.name === from);
  return (
    <>
      <Shape key={shown.id} scope={location} version={shown} />
      <Panel title="Versions" flush>
        <PlainTable
          label="Pipeline versions"
          rows={versions}
          keyOf={({ id }) => id}
          selected={shown.id}
          columns={[
            { title: 'Version', cell: (one) => one.displayName ?? one.name },
            {
              title: 'Created',
              narrow: true,
              cell: ({ createdAt }) => <Time at={new Date(createdAt).toISOString()} />,
            },
            { title: 'Created by', cell: ({ createdBy }) => submitterText(createdBy) },
            {
              title: 'Description',
              cell: ({ description, format }) => description ?? (format === 'steps' ? '' : format),
            },
            {
              title: '',
              narrow: true,
              cell: (one) => (
                <span className="pipeline-version-actions">
                  <Button
                    variant="default"
                    size="compact-xs"
                    aria-label={`View version ${one.name}`}
                    aria-pressed={one.id === shown.id}
                    onClick={() => update({ version: one.name })}
                  >
                    View
                  </Button>
                  {one.id !== shown.id && (
                    <Button
                      variant="default"
                      size="compact-xs"
                      aria-label={`Compare with version ${one.name}`}
                      aria-pressed={one.id === before?.id}
                      onClick={() => update({ from: one.id === before?.id ? undefined : one.name })}
                    >
                      Compare
                    </Button>
                  )}
                </span>
              ),
            },
          ]}
        />
        {more && <p className="artifact-note dim">Older versions are not listed.</p>}
      </Panel>
      {before !== undefined && before.id !== shown.id && <VersionDiff scope={location} from={before} to={shown} />}
    </>
  );
}

function Shape({ scope, version }: { readonly scope: PipelineScope; readonly version: PipelineVersion }) {
  const { project, name } = scope;
  const { data: graph, error } = usePipelineGraph(scope, version.id);
  const [isOpen, setOpen] = useState(false);
  const why = useWhyNotDo(project, 'Pipeline', ['pipeline:run'], name)('pipeline:run');
  return (
    <Panel
      title={`Graph of version ${version.displayName ?? version.name}`}
      actions={
        <GuardedButton
          why={graph === undefined ? 'The version is being validated, or it is invalid.' : why}
          onClick={() => setOpen(true)}
        >
          Run pipeline
        </GuardedButton>
      }
    >
      {error !== null && <ErrorNote error={error} />}
      {graph === undefined ? error === null && <Skeleton rows={6} /> : <Drawn graph={graph} />}
      {graph !== undefined && isOpen && (
        <RunDialog project={project} name={name} graph={graph} close={() => setOpen(false)} />
      )}
    </Panel>
  );
}

function Drawn({ graph }: { readonly graph: PipelineGraph }) {
  const [chosen, choose] = useState<string>();
  const [shut, setShut] = useState<ReadonlySet<string>>(new Set());
  const layout = useMemo(() => layoutGraph(pipelineLevel(graph, shut)), [graph, shut]);
  const contents = useMemo(() => new Map(graph.nodes.map((node) => [node.path, pipelineContent(node)])), [graph]);
  const contentOf = useCallback((path: string) => contents.get(path), [contents]);
  const fold = useCallback(
    (path: string, open: boolean) =>
      setShut((before) => {
        const next = new Set(before);
        if (open) next.delete(path);
        else next.add(path);
        return next;
      }),
    [],
  );
  return (
    <>
      <div className="pipeline-graph" style={{ height: Math.min(520, Math.max(160, layout.height + 70)) }}>
        <GraphView
          label="Graph of the pipeline"
          layout={layout}
          contentOf={contentOf}
          chosen={chosen}
          choose={choose}
          fold={fold}
        />
      </div>
      {graph.more && <p className="dim">The graph is truncated.</p>}
      {graph.warnings.length > 0 && (
        <ul className="dim">
          {graph.warnings.map((warning) => (
            <li key={warning}>{warning}</li>
          ))}
        </ul>
      )}
    </>
  );
}

interface VersionDiffProps {
  readonly scope: PipelineScope;
  readonly from: PipelineVersion;
  readonly to: PipelineVersion;
}

function VersionDiff({ scope, from, to }: VersionDiffProps) {
  const [before, after] = [useDocument(scope, from.id), useDocument(scope, to.id)];
  const title = `From version ${from.name} to ${to.name}`;
  const error = before.error ?? after.error;
  return (
    <Panel title={title} flush>
      {error !== null && <ErrorNote error={error} />}
      {before.data !== undefined && after.data !== undefined && (
        <DiffView label="Changed lines" before={before.data} after={after.data} />
      )}
    </Panel>
  );
}
