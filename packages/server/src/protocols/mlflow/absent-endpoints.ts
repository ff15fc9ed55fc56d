/** What Dais does not answer of MLflow's endpoints, and why: told to clients, and in the table of endpoints. */

interface Absent {
  /** Of paths as `/api/3.0/mlflow/…`. */
  readonly paths: RegExp;
  readonly reason: string;
}

const absent: readonly Absent[] = [
  {
    paths: /\/mlflow\/workspaces(\/|$)/,
    reason: 'workspaces are projects, which are made, changed and deleted as manifests: `dais apply`',
  },
  { paths: /\/mlflow\/(unified-traces|get-online-trace-details)(\/|$)/, reason: 'of Databricks only' },
  {
    paths: /\/mlflow\/scorers\/online-config(\/|$)/,
    reason: 'Dais runs no scorer on traces that come in: evaluate them from your own code',
  },
  {
    paths: /\/mlflow\/gateway(\/|-proxy|$)/,
    reason: "MLflow's AI gateway is a product of its own; Dais has none yet",
  },
  { paths: /\/mlflow\/prompt-optimization(\/|$)/, reason: "jobs that MLflow's server runs itself with paid models" },
  {
    paths: /\/mlflow\/(issues|label-schemas|review-queues)(\/|$)/,
    reason: "for MLflow's own pages; feedback and expectations are kept as assessments",
  },
  {
    paths: /\/mlflow\/(mcp-servers|skills?|assistant|demo|ui-telemetry|jobs|runs\/create-promptlab-run)(\/|$)/,
    reason: "for MLflow's own pages",
  },
  {
    paths: /\/mlflow\/artifacts\/presigned-[a-z]+-url$/,
    reason:
      'for artifacts in a store that clients write to themselves; here quotas and digests are looked at while they come: 501',
  },
];

/** Undefined for what MLflow has not, as far as Dais knows. */
export function whyAbsent(path: string): string | undefined {
  return absent.find(({ paths }) => paths.test(path))?.reason;
}
