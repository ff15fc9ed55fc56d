/** Endpoints of MLflow that Dais does not implement, with the reason: in error responses and in the table of endpoints. */

interface Absent {
  /** Of paths as `/api/3.0/mlflow/…`. */
  readonly paths: RegExp;
  readonly reason: string;
}

const absent: readonly Absent[] = [
  { paths: /\/mlflow\/(unified-traces|get-online-trace-details)(\/|$)/, reason: 'specific to Databricks' },
  {
    paths: /\/mlflow\/gateway(\/|-proxy|$)/,
    reason: "Dais does not implement MLflow's AI gateway",
  },
  {
    paths: /\/3\.0\/(jobs|mlflow\/(jobs|prompt-optimization|(scorer|issues|genai\/evaluate)\/invoke))(\/|$)/,
    reason:
      "MLflow's jobs are functions of its server, which Dais does not run: evaluate traces and optimize prompts in your own code, for example as a job of Dais with `dais run`",
  },
  {
    paths: /\/mlflow\/(mcp-servers|skills?|assistant|demo|ui-telemetry|runs\/create-promptlab-run)(\/|$)/,
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
