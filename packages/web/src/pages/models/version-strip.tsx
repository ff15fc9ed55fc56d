import type { ModelVersion } from '@dais/api/registry';
import { LineageStrip } from '#pages/lineage/lineage-strip.tsx';
import { useLineage } from '#pages/lineage/use-lineage.ts';

export interface VersionStripProps {
  readonly project: string;
  readonly version: ModelVersion;
}

/** Upstream lineage, downstream lineage and aliases of a version. */
export function VersionStrip({ project, version: { model, version, aliases } }: VersionStripProps) {
  const graph = useLineage(project, `model-version:${model}/${version}`);
  return (
    <>
      {graph !== undefined && <LineageStrip project={project} graph={graph} self={`version ${version}`} />}
      <span>
        alias{' '}
        {aliases.length === 0
          ? 'no alias'
          : aliases.map((alias) => (
              <span key={alias} className="label-chip">
                {alias}
              </span>
            ))}
      </span>
    </>
  );
}
