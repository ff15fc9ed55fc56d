import { Link } from '@tanstack/react-router';
import { versionsMade } from './versions-made.ts';
import { NODE_KINDS, nodeAddress } from '#pages/lineage/node-address.ts';
import { nodeWords } from '#pages/lineage/strip-steps.ts';
import { useLineage } from '#pages/lineage/use-lineage.ts';
import { Panel } from '#ui/panel.tsx';

export interface StepVersionsProps {
  readonly project: string;
  /** Id of the last ended attempt; undefined while there is none. */
  readonly attempt: string | undefined;
}

/** Versions of datasets and models that a step created. Renders nothing without versions. */
export function StepVersions({ project, attempt }: StepVersionsProps) {
  const graph = useLineage(project, attempt === undefined ? undefined : `step:${attempt}`);
  const versions = graph === undefined ? [] : versionsMade(graph);
  if (versions.length === 0) return null;
  return (
    <Panel title="Created versions">
      <dl className="step-values" aria-label="Created versions">
        {versions.map((version) => {
          const address = nodeAddress(project, version);
          return (
            <div key={version.node}>
              <dt>{NODE_KINDS[version.type]}</dt>
              <dd>
                {address === undefined ? nodeWords(version) : <Link {...address}>{nodeWords(version)}</Link>}
                {version.gone === true && <span className="dim"> (deleted)</span>}
              </dd>
            </div>
          );
        })}
      </dl>
    </Panel>
  );
}
