/** Names of a pipeline run for components. */

/** A name of Kubernetes has at most 63 characters; the rest is for the suffix. */
const LONGEST = 50;

/** `name-0f3c9a1b2d4e`: unique, and begins with the name of the pipeline, as that of a Workflow of Kubeflow does. */
export function jobResourceName(pipeline: string, runId: string): string {
  const name = pipeline
    .toLowerCase()
    .replaceAll(/[^a-z0-9.-]+/g, '-')
    .slice(0, LONGEST)
    .replaceAll(/^[-.]+|[-.]+$/g, '');
  // The end of the id is random; its start is a time.
  return `${name === '' ? 'pipeline' : name}-${runId.replaceAll('-', '').slice(-12)}`;
}

/** Names of a successful `PipelineTaskFinalStatus`: that of Kubeflow's server, and that of the SDK's documentation. */
export const SUCCESS_STATES = ['COMPLETE', 'SUCCEEDED'] as const;
export type SuccessState = (typeof SUCCESS_STATES)[number];
