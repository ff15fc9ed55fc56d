import type { ModelJob } from '@dais/api/serving';
import { Link } from '@tanstack/react-router';
import { datasetVersionAddress, versionAddress } from '#addresses.ts';

/** The version that a job created: of a dataset or of a model. */
export function Made({ project, job }: { readonly project: string; readonly job: ModelJob }) {
  const { output, result, kind } = job;
  if (output?.version !== undefined) {
    const { dataset, version } = output;
    return <Link {...datasetVersionAddress(project, dataset, version)}>{`${dataset}@${version}`}</Link>;
  }
  if (kind === 'conversion' && typeof result?.['model'] === 'string') {
    const [model, version] = [result['model'], String(result['version'])];
    return <Link {...versionAddress(project, model, version)}>{`${model}/${version}`}</Link>;
  }
  return <span className="dim">{output === undefined ? 'nothing' : `no version of ${output.dataset}`}</span>;
}
