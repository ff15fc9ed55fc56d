/** The page of a lineage node. */
import type { LineageNode } from '@dais/api/lineage';
import {
  datasetVersionAddress,
  executionAddress,
  loggedModelAddress,
  namedAddress,
  runAddress,
  versionAddress,
  type Address,
} from '#addresses.ts';

export const NODE_KINDS = {
  'dataset-version': 'Dataset version',
  dataset: 'Dataset',
  commit: 'Commit',
  'entry-point': 'Program',
  run: 'Run',
  'logged-model': 'Logged model',
  'model-version': 'Model version',
  endpoint: 'Endpoint',
  predictions: 'Predictions',
  job: 'Job',
  'job-run': 'Job run',
  step: 'Step',
  files: 'Files',
  'feature-view': 'Feature view',
  'feature-service': 'Feature service',
} as const satisfies Readonly<Record<LineageNode['type'], string>>;

/** Undefined: it has no page, or it no longer exists. */
export function nodeAddress(
  project: string,
  { node, type, name, data = {}, gone, hidden }: LineageNode,
): Address | undefined {
  if (hidden === true || (gone === true && type !== 'dataset-version')) return undefined;
  if (type === 'feature-view' || type === 'feature-service') {
    const kind = type === 'feature-view' ? 'FeatureView' : 'FeatureService';
    return namedAddress(kind, project, name ?? node.slice(type.length + 1));
  }
  if (type === 'endpoint') return namedAddress('Endpoint', project, name ?? data['endpoint'] ?? '');
  const { run, loggedModel, model, version, dataset, execution, step } = data;
  if (type === 'run' && run !== undefined) return runAddress(project, run);
  if (type === 'logged-model' && loggedModel !== undefined) return loggedModelAddress(project, loggedModel);
  if (type === 'model-version' && model !== undefined && version !== undefined) {
    return versionAddress(project, model, version);
  }
  if (type === 'dataset-version' && dataset !== undefined && version !== undefined) {
    return datasetVersionAddress(project, dataset, version);
  }
  return execution === undefined ? undefined : executionAddress(project, execution, step === undefined ? {} : { step });
}
