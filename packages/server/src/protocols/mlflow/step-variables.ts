/** What MLflow's client reads in a step, so that an unchanged script logs here, and what it calls where a run is from. Pure. */
import type { DatasetInput } from '@dais/api/tracking';
import type { StepContext, TrackedData, TrackedSource } from '#ledgers/executions/index.ts';

export function mlflowStep({ url, project, tracked }: StepContext) {
  return {
    variables: {
      MLFLOW_TRACKING_URI: `${url}/p/${encodeURIComponent(project)}`,
      ...(tracked !== undefined && { MLFLOW_RUN_ID: tracked.run, MLFLOW_EXPERIMENT_ID: tracked.experiment }),
    },
    token: ['MLFLOW_TRACKING_TOKEN'],
  };
}

export function mlflowStepTags(user: string, source: TrackedSource): Readonly<Record<string, string>> {
  const { execution, step, program, commit, repository, dirty } = source;
  return {
    'mlflow.user': user,
    // The tags that `mlflow run` sets: the command was started from its code.
    'mlflow.source.type': 'PROJECT',
    'mlflow.source.name': program,
    'mlflow.project.entryPoint': step,
    ...(commit !== undefined && { 'mlflow.source.git.commit': commit }),
    ...(repository !== undefined && { 'mlflow.source.git.repoURL': repository }),
    ...(dirty !== undefined && { 'mlflow.source.git.dirty': String(dirty) }),
    'dais.execution': execution,
    'dais.step': step,
  };
}

/** A version that a step was given, as what its run read. */
export function mlflowDataset({ name, number, versionDigest }: TrackedData): DatasetInput {
  const dataset = { name, digest: versionDigest.slice(0, 36), sourceType: 'dais', source: `dais://${name}@${number}` };
  return { dataset, tags: {} };
}
