import { approvalStates } from '@dais/api/registry';
import { loggedModelStatuses, runStatuses, traceStates } from '@dais/api/tracking';
import { deliveryStates } from '@dais/api/webhooks';
import { datasetVersionStates, ingestStates } from '@dais/api/data';
import { endpointVariantStates } from '../../packages/api/src/kinds/endpoint.ts';
import { findingStates } from '../../packages/api/src/records/data-findings.ts';
import {
  executionAttemptSchema,
  executionNodeStates,
  executionStates,
} from '../../packages/api/src/records/execution.ts';
import { materializationSchema } from '../../packages/api/src/records/features.ts';
import { labelTaskStates } from '../../packages/api/src/records/labels.ts';
import { modelJobStates } from '../../packages/api/src/records/model-jobs.ts';
import { modelScanResults } from '../../packages/api/src/records/model-safety.ts';
import { monitorAlertSchema, monitorStates } from '../../packages/api/src/records/monitoring.ts';
import { fireSchema } from '../../packages/api/src/records/recurrence.ts';
import { rolloutStates } from '../../packages/api/src/records/rollout.ts';
import { REFERENCE, type GeneratedFile } from './generated-file.ts';
import { termGroups, type Term } from './glossary-terms.ts';
import { code, page, table, text } from './markdown.ts';

/** Meaning, standard term, and the states of MLflow, Kubernetes and Kubeflow Pipelines; an empty text: none. */
type Meaning = readonly [meaning: string, standard: string, mlflow?: string, kubernetes?: string, kubeflow?: string];

interface StatusSet {
  readonly object: string;
  readonly states: readonly string[];
  /** By state; American spelling covers both spellings. */
  readonly meanings: Readonly<Record<string, Meaning>>;
}

const WORK: Readonly<Record<string, Meaning>> = {
  pending: ['Not started yet', 'pending', 'SCHEDULED', 'Pending', 'PENDING'],
  open: ['Files are being uploaded', 'pending', '', '', ''],
  running: ['In progress', 'running', 'RUNNING', 'Running', 'RUNNING'],
  succeeded: ['Ended without an error', 'succeeded', 'FINISHED', 'Succeeded', 'SUCCEEDED'],
  failed: ['Ended with an error', 'failed', 'FAILED', 'Failed', 'FAILED'],
  canceled: ['A user canceled it', 'canceled', 'KILLED', 'Failed', 'CANCELED'],
};

const statusSets: readonly StatusSet[] = [
  {
    object: 'Job, pipeline run',
    states: executionStates,
    meanings: {
      ...WORK,
      canceled: [
        'A user canceled it; Kubeflow clients see a failed run, because they have no final state for it',
        'canceled',
        'KILLED',
        'Failed',
        'FAILED',
      ],
    },
  },
  {
    object: 'Step',
    states: executionNodeStates,
    meanings: {
      ...WORK,
      pending: ['Waits for other steps', 'pending', '', 'Pending', 'PENDING'],
      ready: ['Waits for resources in the queue', 'pending', '', 'Pending', 'PENDING'],
      delayed: ['Waits for its next attempt', 'pending', '', 'Pending', 'PENDING'],
      skipped: ['Its condition was false', 'skipped', '', '', 'SKIPPED'],
      blocked: ['A step that it needs failed or was skipped', 'skipped', '', '', 'SKIPPED'],
    },
  },
  {
    object: 'Result of an attempt',
    states: executionAttemptSchema.shape.ending.unwrap().options,
    meanings: {
      exit: ['The command ended; see its exit code', 'succeeded or failed', '', 'Completed, Error', ''],
      canceled: ['A user canceled it', 'canceled', 'KILLED', '', 'CANCELED'],
      'wall-time': ['It exceeded its timeout', 'failed', '', 'DeadlineExceeded', ''],
      'out-of-memory': ['It exceeded its memory limit', 'failed', '', 'OOMKilled', ''],
      'too-many-processes': ['It exceeded its process limit', 'failed', '', '', ''],
      'disk-full': ['It exceeded its disk limit', 'failed', '', 'Evicted', ''],
      refused: ['It could not be started', 'failed', '', 'CreateContainerError', ''],
      lost: ['The result is unknown; Dais retries it', 'lost', '', 'NodeLost', ''],
      cached: ['It did not run: cache hit', 'skipped', '', '', 'SKIPPED'],
    },
  },
  {
    object: 'Start of a scheduled run',
    states: fireSchema.shape.state.options,
    meanings: {
      pending: ['Waits for other runs of the schedule', 'pending', '', '', ''],
      started: ['The run started', 'running', '', 'active', ''],
      skipped: ['Another run was still running', 'skipped', '', 'missed schedule', ''],
      failed: ['The run could not be started', 'failed', '', '', ''],
    },
  },
  {
    object: 'Run (experiment tracking)',
    states: runStatuses,
    meanings: {
      RUNNING: ['In progress', 'running', 'RUNNING', '', ''],
      SCHEDULED: ['Not started yet', 'pending', 'SCHEDULED', '', ''],
      FINISHED: ['Ended without an error', 'succeeded', 'FINISHED', '', ''],
      FAILED: ['Ended with an error', 'failed', 'FAILED', '', ''],
      KILLED: ['Canceled', 'canceled', 'KILLED', '', ''],
    },
  },
  {
    object: 'Trace',
    states: traceStates,
    meanings: {
      UNSPECIFIED: ['No state was sent', 'unknown', 'STATE_UNSPECIFIED', '', ''],
      IN_PROGRESS: ['In progress', 'running', 'IN_PROGRESS', '', ''],
      OK: ['Ended without an error', 'succeeded', 'OK', '', ''],
      ERROR: ['Ended with an error', 'failed', 'ERROR', '', ''],
    },
  },
  {
    object: 'Logged model',
    states: loggedModelStatuses,
    meanings: {
      PENDING: ['Files are being uploaded', 'pending', 'PENDING', '', ''],
      READY: ['Ready to use', 'ready', 'READY', '', ''],
      UPLOAD_FAILED: ['The upload failed', 'failed', 'UPLOAD_FAILED', '', ''],
    },
  },
  {
    object: 'Dataset version',
    states: datasetVersionStates,
    meanings: {
      building: ['Being created or checked', 'pending', '', '', ''],
      ready: ['Ready to use', 'ready', '', '', 'LIVE (artifact)'],
      quarantined: ['It violates a blocking expectation', 'failing', '', '', ''],
      broken: ['Its source changed or is missing', 'unavailable', '', '', ''],
      deleted: ['Deleted', 'deleted', '', '', 'DELETED (artifact)'],
    },
  },
  { object: 'Ingestion job', states: ingestStates, meanings: WORK },
  { object: 'Materialization, training set', states: materializationSchema.shape.state.options, meanings: WORK },
  { object: 'Batch prediction, model job', states: modelJobStates, meanings: WORK },
  {
    object: 'Variant of an endpoint',
    states: endpointVariantStates,
    meanings: {
      preparing: ['Files and packages are being prepared', 'pending', '', 'ContainerCreating', ''],
      loading: ['The model is being loaded', 'pending', '', 'Running, not ready', ''],
      ready: ['Serves requests', 'ready', '', 'Ready', ''],
      idle: ['Unloaded; the next request loads it', 'ready', '', 'scaled to zero', ''],
      failed: ['It does not load', 'unavailable', '', 'CrashLoopBackOff', ''],
      quarantined: ['Its process ended abnormally twice', 'unavailable', '', 'CrashLoopBackOff', ''],
    },
  },
  {
    object: 'Rollout',
    states: rolloutStates,
    meanings: {
      running: ['In progress', 'running', '', 'Progressing', ''],
      paused: ['Paused by a user or by its settings', 'pending', '', 'Paused', ''],
      promoted: ['The new version receives all traffic', 'succeeded', '', 'Healthy', ''],
      rolledBack: ['The new version performed worse or failed a test', 'failed', '', 'Degraded', ''],
      failed: ['The process of the new version ended abnormally twice', 'failed', '', 'Degraded', ''],
      aborted: ['A user aborted it', 'canceled', '', 'Aborted', ''],
      superseded: ['Another rollout started before its end', 'canceled', '', '', ''],
    },
  },
  {
    object: 'Monitor, result of a window',
    states: monitorStates,
    meanings: {
      pending: ['No window has ended yet', 'pending', '', '', ''],
      passing: ['All checks are within their thresholds', 'passing', '', 'inactive (alert rule)', ''],
      failing: ['At least one metric exceeds its threshold', 'failing', '', 'firing (alert rule)', ''],
      unknown: ['Something could not be evaluated', 'unknown', '', '', ''],
    },
  },
  {
    object: 'Alert',
    states: monitorAlertSchema.shape.state.options,
    meanings: {
      open: ['The check fails', 'failing', '', 'firing', ''],
      resolved: ['The check passes again', 'passing', '', 'resolved', ''],
    },
  },
  {
    object: 'Model scan',
    states: modelScanResults,
    meanings: {
      pending: ['The scan has not ended', 'pending', '', '', ''],
      clean: ['No executable content', 'passing', '', '', ''],
      review: ['Code of libraries or of the author', 'warning', '', '', ''],
      blocked: ['Dangerous content or content that cannot be inspected', 'failing', '', '', ''],
    },
  },
  {
    object: 'Finding of personal data',
    states: findingStates,
    meanings: {
      open: ['No decision yet', 'failing', '', '', ''],
      resolved: ['Confirmed as personal data and masked', 'passing', '', '', ''],
      waived: ['Accepted with a reason', 'passing', '', '', ''],
      gone: ['The newest version no longer contains it', 'passing', '', '', ''],
    },
  },
  {
    object: 'Approval',
    states: approvalStates,
    meanings: {
      pending: ['Waits for approvers', 'pending', '', '', ''],
      approved: ['All required approvers approved', 'succeeded', '', '', ''],
      rejected: ['An approver rejected it', 'failed', '', '', ''],
      withdrawn: ['The requester withdrew it', 'canceled', '', '', ''],
    },
  },
  {
    object: 'Annotation task',
    states: labelTaskStates,
    meanings: {
      open: ['Without annotation', 'pending', '', '', ''],
      labeled: ['Annotated, not reviewed', 'pending', '', '', ''],
      accepted: ['Accepted by a reviewer', 'succeeded', '', '', ''],
      rejected: ['Rejected by a reviewer', 'failed', '', '', ''],
    },
  },
  {
    object: 'Webhook delivery',
    states: deliveryStates,
    meanings: {
      pending: ['Waits for its next attempt', 'pending', '', '', ''],
      delivered: ['The receiver accepted it', 'succeeded', '', '', ''],
      failed: ['Dais gave up', 'failed', '', '', ''],
    },
  },
];

export function glossaryPage(): GeneratedFile {
  return {
    path: `${REFERENCE}/glossary.md`,
    text: page('Glossary', 'tools/generate/glossary-terms.ts and packages/api', [
      'This page defines the terms of Dais and lists the corresponding terms of MLflow, Kubernetes and Kubeflow Pipelines. The reference of [kinds](./kinds/index.md) describes each resource in detail.',
      ...termGroups.flatMap(({ title, terms }) => [`## ${title}`, termTable(terms)]),
      '## Status vocabulary',
      'All objects use these standard terms: **pending**, **running**, **succeeded**, **failed**, **canceled**, **skipped** and **lost** for work; **ready**, **degraded** and **unavailable** for services; **passing**, **warning**, **failing** and **unknown** for checks. The tables map the values of the API to the standard terms and to the states of other systems.',
      'The conditions of a resource have the status `True`, `False` or `Unknown`, as in Kubernetes. `Ready` is `True` when the resource is ready, `False` when it is degraded or unavailable, and `Unknown` while Dais cannot determine it.',
      ...statusSets.flatMap(({ object, states, meanings }) => [`### ${object}`, statusTable(object, states, meanings)]),
    ]),
  };
}

function termTable(terms: readonly Term[]): string {
  const rows = terms.map(({ term, definition, mlflow = '', kubernetes = '', kubeflow = '' }) => [
    `**${text(term)}**`,
    text(definition),
    mlflow,
    kubernetes,
    kubeflow,
  ]);
  return table(['Term', 'Definition', 'MLflow', 'Kubernetes', 'Kubeflow Pipelines'], rows);
}

function statusTable(object: string, states: readonly string[], meanings: StatusSet['meanings']): string {
  const rows = states.map((state) => {
    const found = meanings[state] ?? meanings[state.replace('ancelled', 'anceled').replace('abelled', 'abeled')];
    if (found === undefined) {
      throw new Error(`The glossary has no meaning for state "${state}" of "${object}". Add it to glossary-page.ts.`);
    }
    const [meaning, standard, ...others] = found;
    return [code(state), meaning, standard, ...others.map((other = '') => (other === '' ? '' : code(other)))];
  });
  return table(['Value', 'Meaning', 'Standard term', 'MLflow', 'Kubernetes', 'Kubeflow Pipelines'], rows);
}
