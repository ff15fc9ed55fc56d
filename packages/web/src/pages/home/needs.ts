/** Objects of a project that need attention, as lines of one list. Pure functions. */
import type { KindSpec, Resource } from '@dais/api';
import type { TokenEntry } from '@dais/api/access';
import type { Execution } from '@dais/api/executions';
import type { Approval } from '@dais/api/registry';
import type { DataFinding, DatasetVersion } from '@dais/api/data';
import type { MonitorAlert } from '@dais/api/monitoring';
import type { BlockedVersion, ModelJob } from '@dais/api/serving';
import {
  accountAddress,
  batchAddress,
  datasetVersionAddress,
  executionAddress,
  findingsAddress,
  monitorAddress,
  namedAddress,
  resourceAddress,
  versionAddress,
  type Address,
} from '#addresses.ts';
import { singular } from '#kinds/kind-words.ts';
import { conditionsOf, resourceState } from '#kinds/resource-state.ts';
import { JOB_KINDS } from '#pages/batches/batch-words.ts';
import { relativeTime } from '#ui/relative-time.ts';
import type { State } from '#ui/state-badge.tsx';

export interface NeedScope {
  readonly address: Address;
  /** Text of the link. */
  readonly name: string;
}

/** The next action. */
export type NeedAct =
  | { readonly type: 'acknowledge'; readonly alert: MonitorAlert }
  | { readonly type: 'decide'; readonly approval: Approval }
  | { readonly type: 'open'; readonly words: string; readonly address: Address };

export interface Need {
  readonly key: string;
  readonly state: State;
  readonly word: string;
  /** Kind, shown before the name: `monitor`, `run`. */
  readonly kind: string;
  readonly what: NeedScope;
  readonly why: string;
  /** Since when; for an expiry, the time of the expiry. */
  readonly at: number | undefined;
  readonly act: NeedAct;
}

/** Warning time before an expiry, long enough to renew. */
const SOON_MS = 7 * 86_400_000;

const WEIGHTS: Readonly<Record<State, number>> = { failed: 0, warning: 1, waiting: 2, running: 3, off: 4, ok: 5 };

/** The most severe first, of equals the newest. */
export function byNeed(a: Need, b: Need): number {
  return WEIGHTS[a.state] - WEIGHTS[b.state] || (b.at ?? 0) - (a.at ?? 0) || a.key.localeCompare(b.key);
}

const SEVERITIES: Readonly<Record<MonitorAlert['severity'], Pick<Need, 'state' | 'word'>>> = {
  info: { state: 'running', word: 'Note' },
  warning: { state: 'warning', word: 'Warning' },
  critical: { state: 'failed', word: 'Critical' },
};

/** Alerts that nobody has acknowledged. */
export function alertNeeds(project: string, alerts: readonly MonitorAlert[]): Need[] {
  return alerts
    .filter(({ acknowledgedBy }) => acknowledgedBy === undefined)
    .map((alert) => ({
      key: `alert ${alert.id}`,
      ...SEVERITIES[alert.severity],
      kind: 'monitor',
      what: {
        name: alert.monitor,
        address: monitorAddress(project, alert.monitor, { window: String(alert.lastWindow) }),
      },
      why: alert.title,
      at: alert.raisedAt,
      act: { type: 'acknowledge', alert },
    }));
}

export function approvalNeeds(
  project: string,
  approvals: readonly Approval[],
  waitsForReader: (approval: Approval) => boolean,
): Need[] {
  return approvals.map((approval) => {
    const { model, version, number, alias, stage, reason, requestedBy, requestedAt } = approval;
    const own = waitsForReader(approval);
    const move = alias === undefined ? `stage ${stage ?? ''}` : `alias ${alias}`;
    return {
      key: `approval ${model} ${number}`,
      state: own ? 'warning' : 'waiting',
      word: own ? 'Waiting for your approval' : 'Waiting for approval',
      kind: 'version',
      what: { name: `${model}/${version}`, address: versionAddress(project, model, version) },
      why: `${requestedBy.id} requests the ${move}${reason === '' ? '' : `: ${reason}`}`,
      at: requestedAt,
      act: { type: 'decide', approval },
    };
  });
}

/** Only the newest run of each name counts: a later success resolves a failure. `runs`: newest first. */
export function executionNeeds(project: string, runs: readonly Execution[]): Need[] {
  const newest = new Map<string, Execution>();
  for (const run of runs) {
    if (run.endedAt !== undefined && run.state !== 'canceled' && !newest.has(run.name)) newest.set(run.name, run);
  }
  return [...newest.values()]
    .filter(({ state }) => state === 'failed')
    .map((run) => {
      const address = executionAddress(project, run.id);
      return {
        key: `run ${run.id}`,
        state: 'failed',
        word: 'Failed',
        kind: 'run',
        what: { name: run.name, address },
        why: firstLine(run.error ?? 'No error message was recorded.'),
        at: run.endedAt,
        act: { type: 'open', words: 'Show error', address },
      };
    });
}

/** Only the newest job of each model, kind and dataset counts. `jobs`: newest first. */
export function jobNeeds(project: string, jobs: readonly ModelJob[]): Need[] {
  const newest = new Map<string, ModelJob>();
  for (const job of jobs) {
    const about = `${job.kind} ${job.model} ${job.output?.dataset ?? job.data ?? ''}`;
    if (job.endedAt !== undefined && job.state !== 'canceled' && !newest.has(about)) newest.set(about, job);
  }
  return [...newest.values()]
    .filter(({ state }) => state === 'failed')
    .map((job) => {
      const address = batchAddress(project, job.id);
      return {
        key: `job ${job.id}`,
        state: 'failed',
        word: 'Failed',
        kind: JOB_KINDS[job.kind],
        what: { name: `${job.model}/${job.version}`, address },
        why: firstLine(job.error ?? 'No error message was recorded.'),
        at: job.endedAt,
        act: { type: 'open', words: 'Show error', address },
      };
    });
}

/** Versions whose deployment is blocked by findings of their scan. */
export function blockedNeeds(project: string, versions: readonly BlockedVersion[]): Need[] {
  return versions.map(({ model, version, reason, endedAt }) => {
    const address = versionAddress(project, model, version);
    return {
      key: `blocked ${model}/${version}`,
      state: 'failed',
      word: 'Blocked by scan',
      kind: 'version',
      what: { name: `${model}/${version}`, address },
      why: `${reason} The version cannot be deployed. Waive the findings or register another version.`,
      at: endedAt,
      act: { type: 'open', words: 'Review findings', address },
    };
  });
}

/** Only the newest completed version of each dataset counts. `versions`: newest first. */
export function versionNeeds(project: string, versions: readonly DatasetVersion[]): Need[] {
  const newest = new Map<string, DatasetVersion>();
  for (const version of versions) {
    if (version.state !== 'building' && version.state !== 'deleted' && !newest.has(version.dataset))
      newest.set(version.dataset, version);
  }
  return [...newest.values()]
    .filter(({ state }) => state === 'quarantined' || state === 'broken')
    .map(({ id, dataset, number, state, createdAt, reason }) => {
      const address = datasetVersionAddress(project, dataset, number);
      return {
        key: `data ${id}`,
        state: state === 'broken' ? 'failed' : 'warning',
        word: state === 'broken' ? 'Corrupted' : 'Quarantined',
        kind: 'data',
        what: { name: `${dataset}@${number}`, address },
        why:
          reason ??
          (state === 'broken'
            ? 'Its files changed after the version was created.'
            : 'The data failed its expectations.'),
        at: createdAt,
        act: { type: 'open', words: state === 'broken' ? 'Show error' : 'Review', address },
      };
    });
}

/** One line for all findings: there can be one for each column. */
export function findingNeeds(project: string, findings: readonly DataFinding[], more: boolean): Need[] {
  const [newest] = findings;
  if (newest === undefined) return [];
  const address = findingsAddress(project);
  const datasets = [...new Set(findings.map(({ dataset }) => dataset))];
  const count = `${findings.length}${more ? '+' : ''}`;
  return [
    {
      key: 'findings',
      state: 'warning',
      word: 'Undecided',
      kind: '',
      what: { name: `${count} ${findings.length === 1 ? 'finding' : 'findings'} of personal data`, address },
      why: `In ${datasets.slice(0, 3).join(', ')}${datasets.length > 3 ? ` and ${datasets.length - 3} more` : ''}.`,
      at: newest.foundAt,
      act: { type: 'open', words: 'Mask or waive', address },
    },
  ];
}

const HELD_BACK: ReadonlySet<string> = new Set(['HeldBack', 'VariantHeldBack']);

/** Endpoints that do not serve the version of their manifest, or wait for a decision. */
export function endpointNeeds(project: string, endpoints: readonly Resource[]): Need[] {
  return endpoints.flatMap((endpoint): Need[] => {
    const { name } = endpoint.metadata;
    const current = conditionsOf(endpoint).find(({ type }) => type === 'Current');
    const address = namedAddress('Endpoint', project, name);
    const paused = current?.reason === 'RolloutPaused';
    if (address === undefined || current === undefined || (!paused && !HELD_BACK.has(current.reason))) return [];
    return [
      {
        key: `rollout ${name}`,
        state: paused ? 'warning' : 'failed',
        word: paused ? 'Paused' : 'Stopped',
        kind: 'rollout of',
        what: { name, address },
        why: firstLine(current.message),
        at: Date.parse(current.lastTransitionTime),
        act: { type: 'open', words: paused ? 'Promote or abort' : 'Show error', address },
      },
    ];
  });
}

/** Resources that are not ready. */
export function resourceNeeds(kind: KindSpec, project: string, resources: readonly Resource[]): Need[] {
  return resources.flatMap((resource): Need[] => {
    const state = resourceState(resource);
    if (state?.state !== 'failed') return [];
    const { name } = resource.metadata;
    const address = resourceAddress(kind, project, name);
    return [
      {
        key: `${kind.kind}/${name}`,
        state: 'failed',
        word: state.word,
        kind: singular(kind),
        what: { name, address },
        why: firstLine(state.why ?? ''),
        at: undefined,
        act: { type: 'open', words: 'Show rollout', address },
      },
    ];
  });
}

export function tokenNeeds(tokens: readonly TokenEntry[], now: number): Need[] {
  return tokens.flatMap((token): Need[] => {
    const ends = Date.parse(token.expiresAt);
    // A sign-in of the command line is renewed by signing in.
    if (token.form === 'ses' || ends - now > SOON_MS) return [];
    const address = accountAddress('tokens');
    return [
      {
        key: `token ${token.id}`,
        state: 'warning',
        word: 'Expires soon',
        kind: 'token',
        what: { name: token.title, address },
        why: `Clients that use this token are refused ${relativeTime(ends, now)}.`,
        at: undefined,
        act: { type: 'open', words: 'Create token', address },
      },
    ];
  });
}

/** Temporary waivers, whose findings reopen at the expiry. */
export function waiverNeeds(project: string, findings: readonly DataFinding[], now: number): Need[] {
  return findings.flatMap(({ id, dataset, column, expiresAt }): Need[] => {
    if (expiresAt === undefined || expiresAt - now > SOON_MS) return [];
    const address = findingsAddress(project);
    return [
      {
        key: `waiver ${id}`,
        state: 'warning',
        word: 'Expires soon',
        kind: 'waiver of',
        what: { name: `${dataset}.${column}`, address },
        why: `The waiver expires and the column is masked ${relativeTime(expiresAt, now)}.`,
        at: undefined,
        act: { type: 'open', words: 'Review finding', address },
      },
    ];
  });
}

function firstLine(text: string): string {
  return text.split('\n', 1)[0] ?? text;
}
