/** What MLflow's client reads in a step, so that an unchanged script logs here. Pure. */
import type { StepTold } from '#ledgers/executions/index.ts';

export function mlflowStep({ url, project }: StepTold) {
  return {
    variables: { MLFLOW_TRACKING_URI: `${url}/p/${encodeURIComponent(project)}` },
    token: ['MLFLOW_TRACKING_TOKEN'],
  };
}
