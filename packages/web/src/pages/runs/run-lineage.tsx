import type { Run } from '@dais/api/tracking';
import { Link } from '@tanstack/react-router';
import { datasetInputAddress } from './dataset-input.ts';
import { useVersionsOf } from './use-run.ts';
import { lineageAddress, versionAddress } from '#addresses.ts';

/** The tab with all logged data lists more. */
const SHOWN = 4;

/** Upstream and downstream lineage of the run. */
export function RunLineage({ project, run }: { readonly project: string; readonly run: Run }) {
  const versions = useVersionsOf(project, [run.id]) ?? [];
  const { datasets } = run;
  if (datasets.length === 0 && versions.length === 0) return null;
  return (
    <p className="run-lineage">
      {datasets.length > 0 && (
        <span>
          from:{' '}
          {datasets.slice(0, SHOWN).map(({ dataset, tags }, at) => (
            <span key={`${dataset.name}@${dataset.digest}`}>
              {at > 0 && ', '}
              <Link
                {...(datasetInputAddress(project, dataset) ?? { to: '.', search: { tab: 'about' } })}
                title={tags['mlflow.data.context']}
              >
                {dataset.name}@{dataset.digest.slice(0, 8)}
              </Link>
            </span>
          ))}
          {datasets.length > SHOWN && ` and ${datasets.length - SHOWN} more`}
        </span>
      )}
      {versions.length > 0 && (
        <span>
          to:{' '}
          {versions.slice(0, SHOWN).map(({ model, version, aliases }, at) => (
            <span key={`${model}/${version}`}>
              {at > 0 && ', '}
              <Link {...versionAddress(project, model, version)}>
                {model}/{version}
              </Link>
              {aliases.length > 0 && ` (${aliases.join(', ')})`}
            </span>
          ))}
          {versions.length > SHOWN && ` and ${versions.length - SHOWN} more`}
        </span>
      )}
      <Link {...lineageAddress(project, `run:${run.id}`)}>Full lineage</Link>
    </p>
  );
}
