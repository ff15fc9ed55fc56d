/** The terms of Dais, with the terms of MLflow, Kubernetes and Kubeflow Pipelines for the same thing. */

export interface Term {
  readonly term: string;
  readonly definition: string;
  readonly mlflow?: string;
  readonly kubernetes?: string;
  readonly kubeflow?: string;
}

export interface TermGroup {
  readonly title: string;
  readonly terms: readonly Term[];
}

export const termGroups: readonly TermGroup[] = [
  {
    title: 'Platform',
    terms: [
      {
        term: 'organization',
        definition: 'One installation of Dais with its users, teams and projects.',
        kubernetes: 'cluster',
      },
      {
        term: 'project',
        definition: 'A tenant: every resource and record of a team belongs to one project.',
        mlflow: 'workspace',
        kubernetes: 'namespace',
        kubeflow: 'namespace',
      },
      {
        term: 'resource',
        definition: 'Desired state that a user declares in a manifest, with a status that Dais reports.',
        kubernetes: 'object, custom resource',
      },
      { term: 'kind', definition: 'A type of resource, for example `Endpoint` or `Dataset`.', kubernetes: 'kind' },
      {
        term: 'manifest',
        definition: 'A YAML or JSON document that declares a resource.',
        kubernetes: 'manifest',
        kubeflow: 'PipelineSpec (for a pipeline)',
      },
      {
        term: 'revision',
        definition: 'One version in the history of a resource; you can compare and restore revisions.',
        kubernetes: 'revision (of a Deployment)',
      },
      {
        term: 'condition',
        definition: 'One aspect of the status of a resource, for example `Ready`, with a reason and a message.',
        kubernetes: 'condition',
      },
      {
        term: 'label, annotation of a resource',
        definition: 'A key and a value in the metadata of a resource; you can select resources by label.',
        mlflow: 'tag',
        kubernetes: 'label, annotation',
      },
      {
        term: 'origin',
        definition: 'The type of client that created a resource: `manifest`, `mlflow`, `kfp`, `feast` and others.',
        kubernetes: 'field manager',
      },
      {
        term: 'operation, action',
        definition: 'An operation is one API call; an action such as `endpoint:write` is the permission that it needs.',
        kubernetes: 'verb and resource',
      },
      {
        term: 'event',
        definition: 'A record that something happened in Dais, for webhooks, streams and the audit log.',
        mlflow: 'webhook event',
        kubernetes: 'event',
      },
      {
        term: 'finalizer',
        definition: 'An entry that delays the removal of a resource until its cleanup has ended.',
        kubernetes: 'finalizer',
      },
      {
        term: 'reconcile, controller',
        definition: 'A controller is a loop that changes the actual state until it matches the spec of a resource.',
        kubernetes: 'controller',
      },
      {
        term: 'console',
        definition: 'The web interface of Dais.',
        mlflow: 'MLflow UI',
        kubernetes: 'Dashboard',
        kubeflow: 'Kubeflow dashboard',
      },
      {
        term: 'solo mode',
        definition: 'The default mode: one owner on one machine, without accounts, on loopback only.',
      },
      {
        term: 'engine',
        definition:
          'An exchangeable implementation of a platform service, for example embedded or external PostgreSQL, or a folder or S3.',
        kubernetes: 'driver, plugin',
      },
      { term: 'folder', definition: 'A directory of a file system.', kubernetes: 'directory' },
      {
        term: 'data folder',
        definition: 'The folder of the server with the embedded database, content, backups and the owner token.',
        kubernetes: 'persistent volume',
      },
      {
        term: 'content, blob',
        definition: 'Bytes of artifacts, datasets and models, stored once per digest in a folder or in S3.',
        mlflow: 'artifact store',
        kubeflow: 'object store',
      },
      {
        term: 'ledger',
        definition:
          'A module of the server that stores one family of records, for example tracking, lineage or audit (used in code and operator documentation).',
        mlflow: 'store',
      },
    ],
  },
  {
    title: 'Experiment tracking',
    terms: [
      {
        term: 'experiment',
        definition: 'A named group of runs.',
        mlflow: 'experiment',
        kubeflow: 'experiment',
      },
      {
        term: 'run',
        definition: 'A tracked experiment run with parameters, metrics, tags and artifacts.',
        mlflow: 'run',
      },
      {
        term: 'nested run, trial',
        definition: 'A run below a parent run; a trial is a run of a study.',
        mlflow: 'child run',
        kubeflow: 'trial (Katib)',
      },
      {
        term: 'parameter',
        definition: 'An input value of a run, a job or a pipeline.',
        mlflow: 'parameter',
        kubeflow: 'input parameter',
      },
      {
        term: 'training metric',
        definition: 'A number that a run logs, with a step and a time.',
        mlflow: 'metric',
        kubeflow: 'metrics artifact',
      },
      {
        term: 'operational metric',
        definition: 'A number that the platform measures, for example latency or CPU time.',
        mlflow: 'system metric',
        kubernetes: 'metric',
      },
      {
        term: 'artifact',
        definition: 'A file or folder that a run or a step stores.',
        mlflow: 'artifact',
        kubeflow: 'artifact',
      },
      {
        term: 'trace, span',
        definition: 'A trace is one request to a program; its spans are the operations of that request.',
        mlflow: 'trace, span',
      },
      {
        term: 'assessment',
        definition: 'Feedback on a trace, or the expected output of it.',
        mlflow: 'assessment (feedback, expectation)',
      },
      { term: 'prompt', definition: 'A versioned prompt template in the registry.', mlflow: 'prompt' },
      {
        term: 'evaluation dataset, scorer',
        definition: 'Records for the evaluation of a program, and a function that scores its outputs.',
        mlflow: 'evaluation dataset, scorer',
      },
    ],
  },
  {
    title: 'Model registry',
    terms: [
      {
        term: 'model',
        definition: 'A registered model: a name with versions, aliases, owners, tests and approval rules.',
        mlflow: 'registered model',
        kubeflow: 'registered model (Model Registry)',
      },
      {
        term: 'model version',
        definition: 'One numbered version of a model, with files, signature and lineage.',
        mlflow: 'model version',
        kubeflow: 'model version (Model Registry)',
      },
      {
        term: 'logged model',
        definition: 'A model that a run logged; registering it creates a model version.',
        mlflow: 'logged model',
        kubeflow: 'model artifact',
      },
      {
        term: 'alias',
        definition: 'A movable name of a model version, for example `champion`.',
        mlflow: 'alias',
      },
      {
        term: 'stage',
        definition: 'A fixed label of a model version such as `Production`; prefer aliases.',
        mlflow: 'stage (deprecated)',
      },
      {
        term: 'signature, input example',
        definition: 'The names and types of inputs and outputs of a model, and a sample request.',
        mlflow: 'signature, input example',
      },
      {
        term: 'approval',
        definition: 'A request and its decisions before an alias moves, as the approval rule of the model requires.',
      },
      {
        term: 'objective',
        definition: 'A metric of a model with a direction and a target.',
        kubeflow: 'objective (Katib)',
      },
      { term: 'model scan', definition: 'A security scan of the files of a model version before anything loads it.' },
      {
        term: 'finding, waiver',
        definition: 'A finding is a result of a scan; a waiver accepts it with a reason.',
      },
    ],
  },
  {
    title: 'Data and features',
    terms: [
      {
        term: 'dataset, dataset version',
        definition: 'A dataset is a named table with access rules; a version is its immutable rows at a point in time.',
        mlflow: 'dataset (run input)',
        kubeflow: 'dataset artifact',
      },
      {
        term: 'expectation, violation',
        definition: 'An expectation is a rule for each version of a dataset; a violation is a result that breaks it.',
      },
      {
        term: 'quarantine',
        definition:
          'The state of a dataset version that violates a blocking expectation, or of a model that crashed twice.',
      },
      { term: 'profile', definition: 'Statistics of each column of a dataset version.' },
      {
        term: 'masking',
        definition: 'The replacement of sensitive values for users without the permission to unmask them.',
      },
      {
        term: 'entity',
        definition: 'The object that features describe, identified by join keys (same term in Feast).',
      },
      {
        term: 'feature view, feature service',
        definition:
          'A feature view is a group of features with a source; a feature service is the set of features that one model uses (same terms in Feast).',
      },
      {
        term: 'materialization',
        definition: 'A job that writes feature values from a source to the online store (same term in Feast).',
      },
      {
        term: 'label set, annotation',
        definition: 'A label set collects the annotations of people for the rows of a dataset version.',
        mlflow: 'labeling session',
      },
      {
        term: 'lineage',
        definition:
          'The graph of datasets, runs, model versions, endpoints and predictions, and of what was made from what.',
        mlflow: 'run inputs and outputs',
        kubeflow: 'ML Metadata lineage',
      },
    ],
  },
  {
    title: 'Jobs and pipelines',
    terms: [
      {
        term: 'job',
        definition:
          'A command, notebook, batch prediction or other work that the platform executes; the HTTP API calls a command an execution.',
        kubernetes: 'Job',
        kubeflow: 'run of one component',
      },
      {
        term: 'pipeline, pipeline version',
        definition: 'A graph of steps; each change of its steps or parameters creates a version.',
        kubeflow: 'pipeline, pipeline version',
      },
      {
        term: 'pipeline run',
        definition: 'One execution of a pipeline version with parameter values.',
        kubernetes: 'Workflow (Argo)',
        kubeflow: 'run',
      },
      {
        term: 'step',
        definition: 'One part of a pipeline run or job: a command with inputs and outputs.',
        kubernetes: 'Pod',
        kubeflow: 'task',
      },
      {
        term: 'attempt',
        definition: 'One try of a step; retries create further attempts.',
        kubernetes: 'Pod restart',
        kubeflow: 'retry',
      },
      {
        term: 'schedule',
        definition: 'A trigger that starts pipeline runs at times or for events.',
        kubernetes: 'CronJob',
        kubeflow: 'recurring run',
      },
      {
        term: 'backfill',
        definition: 'Runs of a schedule for past times.',
        kubeflow: 'catch-up',
      },
      {
        term: 'cache hit',
        definition: 'A step that reuses the result of an earlier step with the same command and inputs.',
        kubeflow: 'cached task',
      },
      {
        term: 'target',
        definition: 'The place where steps run, with the environments for container images.',
        kubernetes: 'node pool, runtime class',
      },
      {
        term: 'execution environment',
        definition: 'The Python version, packages or image in which a step or a model runs.',
        mlflow: 'model environment',
        kubernetes: 'container image',
        kubeflow: 'base image',
      },
      {
        term: 'isolation',
        definition: 'The boundary (namespaces, system call filter, limits) around code and models of users.',
        kubernetes: 'security context, sandbox',
      },
      {
        term: 'compute quota',
        definition: 'The limit of the resources that running steps of a project use together.',
        kubernetes: 'ResourceQuota',
      },
      {
        term: 'outbound guard',
        definition: 'The proxy that keeps steps and outgoing requests away from internal addresses.',
        kubernetes: 'egress NetworkPolicy',
      },
    ],
  },
  {
    title: 'Model serving',
    terms: [
      {
        term: 'endpoint',
        definition: 'A resource that serves versions of a model at a URL.',
        mlflow: 'deployment, scoring server',
        kubernetes: 'InferenceService (KServe)',
      },
      {
        term: 'gateway',
        definition: 'The process that serves prediction requests, separate from the control process.',
        kubernetes: 'ingress, data plane',
      },
      {
        term: 'control process',
        definition: 'The process that serves the API and the console and runs background work.',
        kubernetes: 'control plane',
      },
      {
        term: 'variant',
        definition:
          'A model version with a share of the traffic of an endpoint: `stable`, `canary` or a name of yours.',
        kubernetes: 'revision (Knative)',
      },
      {
        term: 'rollout',
        definition: 'The gradual move of traffic to a new version, with automatic evaluation and rollback.',
        kubernetes: 'canary rollout',
      },
      {
        term: 'shadow',
        definition: 'A variant that receives copies of requests; callers do not see its predictions.',
        kubernetes: 'traffic mirroring (Istio)',
      },
      {
        term: 'prediction',
        definition: 'The output of a model for a request; captured predictions have an id.',
        mlflow: 'inference log',
      },
      {
        term: 'ground truth',
        definition: 'The true value for a prediction, which usually arrives later.',
        mlflow: 'expectation (for traces)',
      },
      {
        term: 'batch prediction',
        definition: 'A job that applies a model version to every row of a dataset version.',
        mlflow: 'spark_udf, batch inference',
        kubernetes: 'Job',
      },
    ],
  },
  {
    title: 'Model monitoring',
    terms: [
      {
        term: 'monitor',
        definition: 'A resource that evaluates checks on an endpoint or a dataset, window by window.',
      },
      { term: 'check', definition: 'A rule of a monitor, for example data drift or performance.' },
      { term: 'window', definition: 'The period or the number of predictions that one evaluation covers.' },
      { term: 'baseline', definition: 'The data that a window is compared with, usually the training data.' },
      { term: 'threshold', definition: 'The limit of a metric beyond which a check fails.', kubernetes: 'alert rule' },
      {
        term: 'drift, skew',
        definition: 'A changed distribution over time, and a difference between training and serving data.',
      },
      {
        term: 'alert, alert channel',
        definition: 'An alert reports a failing check; an alert channel sends it to people or other systems.',
        kubernetes: 'alert, receiver (Alertmanager)',
      },
      {
        term: 'decision',
        definition: 'The record whether an alert started a pipeline, and why not.',
      },
    ],
  },
  {
    title: 'Access control and audit',
    terms: [
      {
        term: 'user, service account',
        definition: 'A person, and a program, that calls Dais.',
        mlflow: 'user',
        kubernetes: 'user, ServiceAccount',
      },
      {
        term: 'team',
        definition: 'A group of users and service accounts with common permissions.',
        kubernetes: 'group',
      },
      {
        term: 'role, role binding',
        definition: 'A role is a set of actions; a role binding grants it to users and teams.',
        mlflow: 'permission',
        kubernetes: 'Role, RoleBinding',
      },
      {
        term: 'policy',
        definition: 'Rules in Cedar that forbid or permit actions beyond roles.',
        kubernetes: 'ValidatingAdmissionPolicy',
      },
      { term: 'fact', definition: 'A computed attribute of a resource that policies can use.' },
      {
        term: 'token',
        definition: 'A credential of a user, a service account or a step.',
        mlflow: 'MLFLOW_TRACKING_TOKEN',
        kubernetes: 'service account token',
      },
      {
        term: 'owner token',
        definition: 'The token in the data folder with all permissions, for setup and emergencies.',
        kubernetes: 'cluster-admin kubeconfig',
      },
      {
        term: 'secret',
        definition: 'A resource with encrypted values that nobody can read back.',
        kubernetes: 'Secret',
        kubeflow: 'Secret',
      },
      {
        term: 'audit log, checkpoint',
        definition: 'The tamper-evident record of changes and decisions; a checkpoint is its signed state.',
        kubernetes: 'audit log',
      },
    ],
  },
];
