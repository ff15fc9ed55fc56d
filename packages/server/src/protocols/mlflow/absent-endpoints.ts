/** Endpoints of MLflow that Dais does not implement, with the reason: in error responses and in the table of endpoints. */

interface Absent {
  /** Of paths as `/api/3.0/mlflow/…`. */
  readonly paths: RegExp;
  readonly reason: string;
}

const absent: readonly Absent[] = [
  { paths: /\/mlflow\/(unified-traces|get-online-trace-details)(\/|$)/, reason: 'specific to Databricks' },
  {
    paths: /\/mlflow\/scorers\/online-config(\/|$)/,
    reason: 'Dais does not run scorers on incoming traces: evaluate traces in your own code',
  },
  {
    paths: /\/mlflow\/gateway(\/|-proxy|$)/,
    reason: "Dais does not implement MLflow's AI gateway",
  },
  { paths: /\/mlflow\/prompt-optimization(\/|$)/, reason: 'for jobs that the MLflow server runs with external models' },
  {
    paths: /\/mlflow\/(mcp-servers|skills?|assistant|demo|ui-telemetry|jobs|runs\/create-promptlab-run)(\/|$)/,
    reason: 'for the MLflow UI',
  },
  {
    paths: /\/mlflow\/artifacts\/presigned-[a-z]+-url$/,
    reason:
      'for artifacts that clients write directly to a store; Dais checks quotas and digests during the upload and responds with 501',
  },
];

/** Returns undefined for endpoints that MLflow does not have. */
export function whyAbsent(path: string): string | undefined {
  return absent.find(({ paths }) => paths.test(path))?.reason;
}
