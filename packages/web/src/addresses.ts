/** Paths of the console's pages. No other module contains their format. */
import { findKind, type KindSpec } from '@dais/api';

/** Parameters of a link for the router. */
export interface Address {
  readonly to: string;
  readonly params: Readonly<Record<string, string>>;
}

function below(kind: KindSpec, project: string, rest: string, params: Readonly<Record<string, string>>): Address {
  return kind.scope === 'org'
    ? { to: `/organization${rest}`, params }
    : { to: `/projects/$project${rest}`, params: { project, ...params } };
}

export function listAddress(kind: KindSpec, project: string): Address {
  return below(kind, project, '/$plural', { plural: kind.plural });
}

export function resourceAddress(kind: KindSpec, project: string, name: string): Address {
  return below(kind, project, '/$plural/$name', { plural: kind.plural, name });
}

export function createAddress(kind: KindSpec, project: string): Address {
  return below(kind, project, '/create/$plural', { plural: kind.plural });
}

export function changeAddress(kind: KindSpec, project: string, name: string): Address {
  return below(kind, project, '/change/$plural/$name', { plural: kind.plural, name });
}

export function eventsAddress(project: string | undefined): Address {
  return project === undefined
    ? { to: '/organization/events', params: {} }
    : { to: '/projects/$project/events', params: { project } };
}

/** The permissions of a principal in a project, with reasons. `query` selects the principal and the action. */
export function accessAddress(project: string, query: AccessQuery = {}): Address & { readonly search: AccessQuery } {
  return { to: '/projects/$project/access', params: { project }, search: query };
}

export interface AccessQuery {
  /** `user:ada@example.com`; absent: the viewer. */
  readonly who?: string;
  /** Kind and action of the explained cell. */
  readonly action?: string;
  readonly resource?: string;
}

export function accountAddress(page: 'account' | 'tokens' | 'sessions'): Address {
  return { to: page === 'account' ? '/account' : `/account/${page}`, params: {} };
}

/** Query of the audit log; undefined: of the organization and all its projects. */
export function auditAddress(project: string | undefined): Address {
  return project === undefined
    ? { to: '/organization/audit', params: {} }
    : { to: '/projects/$project/audit', params: { project } };
}

/** Usage of a project; undefined: of all projects. */
export function usageAddress(project: string | undefined): Address {
  return project === undefined
    ? { to: '/organization/usage', params: {} }
    : { to: '/projects/$project/usage', params: { project } };
}

/** The nodes of the installation. */
export function nodesAddress(): Address {
  return { to: '/organization/nodes', params: {} };
}

/** The list of experiments. */
export function experimentsAddress(project: string): Address {
  return { to: '/projects/$project/experiments', params: { project } };
}

/** The runs of one experiment, by its number. */
export function experimentAddress(project: string, experiment: string): Address {
  return { to: '/projects/$project/experiments/$experiment', params: { project, experiment } };
}

export function runAddress(project: string, run: string): Address {
  return { to: '/projects/$project/runs/$run', params: { project, run } };
}

/** A logged model, by its id. */
export function loggedModelAddress(project: string, model: string): Address {
  return { to: '/projects/$project/logged-models/$model', params: { project, model } };
}

/** Comparison of runs. */
export function compareAddress(
  project: string,
  runs: readonly string[],
): Address & { readonly search: { readonly runs: string } } {
  return { to: '/projects/$project/compare', params: { project }, search: { runs: runs.join(',') } };
}

/** One version of a model. */
export function versionAddress(project: string, name: string, version: number | string): Address {
  return {
    to: '/projects/$project/models/$name/versions/$version',
    params: { project, name, version: String(version) },
  };
}

/** Comments that mention the viewer. */
export function mentionsAddress(project: string): Address {
  return { to: '/projects/$project/mentions', params: { project } };
}

/** Prompts of language models. */
export function promptsAddress(project: string): Address {
  return { to: '/projects/$project/prompts', params: { project } };
}

/** `query` selects the version. */
export function promptAddress(
  project: string,
  name: string,
  query: { readonly version?: string } = {},
): Address & { readonly search: { readonly version?: string } } {
  return { to: '/projects/$project/prompts/$name', params: { project, name }, search: query };
}

/** Traces of programs. */
export function tracesAddress(project: string): Address {
  return { to: '/projects/$project/traces', params: { project } };
}

export function traceAddress(project: string, trace: string): Address {
  return { to: '/projects/$project/traces/$trace', params: { project, trace } };
}

/** Executions of commands and pipelines. */
export function executionsAddress(project: string): Address {
  return { to: '/projects/$project/executions', params: { project } };
}

/** `query` selects the step and the view. */
export function executionAddress(
  project: string,
  execution: string,
  query: ExecutionQuery = {},
): Address & { readonly search: ExecutionQuery } {
  return { to: '/projects/$project/executions/$execution', params: { project, execution }, search: query };
}

export interface ExecutionQuery {
  readonly view?: string;
  /** Path of a step. */
  readonly step?: string;
  /** The view of the step. */
  readonly show?: string;
}

/** Comparison of two executions. */
export function executionDiffAddress(
  project: string,
  from: string,
  to: string,
): Address & { readonly search: { readonly from: string; readonly to: string } } {
  return { to: '/projects/$project/executions/compare', params: { project }, search: { from, to } };
}

/** Resource usage of steps, and pending steps. */
export function computeAddress(project: string): Address {
  return { to: '/projects/$project/compute', params: { project } };
}

/** Comparison of two versions of a model. */
export function versionDiffAddress(
  project: string,
  name: string,
  from: number | string,
  to: number | string,
): Address & { readonly search: { readonly from: string; readonly to: string } } {
  return {
    to: '/projects/$project/models/$name/compare',
    params: { project, name },
    search: { from: String(from), to: String(to) },
  };
}

/** One version of a dataset: a number, `latest` or a tag. `query` selects the view. */
export function datasetVersionAddress(
  project: string,
  name: string,
  version: number | string,
  query: DatasetVersionQuery = {},
): Address & { readonly search: DatasetVersionQuery } {
  return {
    to: '/projects/$project/datasets/$name/versions/$version',
    params: { project, name, version: String(version) },
    search: query,
  };
}

export interface DatasetVersionQuery {
  readonly tab?: string;
  /** Name of the selected column. */
  readonly column?: string;
}

/** Comparison of two versions of a dataset. */
export function datasetDiffAddress(
  project: string,
  name: string,
  from: number | string,
  to: number | string,
): Address & { readonly search: { readonly from: string; readonly to: string } } {
  return {
    to: '/projects/$project/datasets/$name/compare',
    params: { project, name },
    search: { from: String(from), to: String(to) },
  };
}

/** Annotations of people. */
export function labelsAddress(project: string): Address {
  return { to: '/projects/$project/labels', params: { project } };
}

/** `query` selects the tasks. */
export function labelSetAddress(
  project: string,
  name: string,
  query: { readonly tasks?: string } = {},
): Address & { readonly search: { readonly tasks?: string } } {
  return { to: '/projects/$project/labels/$name', params: { project, name }, search: query };
}

/** Findings of personal data in all datasets. */
export function findingsAddress(project: string): Address {
  return { to: '/projects/$project/findings', params: { project } };
}

/** Predictions of endpoints. `query` filters them. */
export function predictionsAddress(
  project: string,
  query: PredictionQuery = {},
): Address & { readonly search: PredictionQuery } {
  return { to: '/projects/$project/predictions', params: { project }, search: query };
}

export interface PredictionQuery {
  readonly endpoint?: string;
  /** Number of the serving version. */
  readonly version?: string;
  readonly variant?: string;
  readonly state?: string;
}

/** One prediction, by the id in its response. */
/** Jobs on model versions. `query` filters them. */
export function batchesAddress(project: string, query: BatchesQuery = {}): Address & { readonly search: BatchesQuery } {
  return { to: '/projects/$project/batches', params: { project }, search: query };
}

export interface BatchesQuery {
  readonly model?: string;
  readonly dataset?: string;
  readonly kind?: string;
  readonly state?: string;
}

export function batchAddress(project: string, job: string): Address {
  return { to: '/projects/$project/batches/$job', params: { project, job } };
}

export function predictionAddress(project: string, endpoint: string, prediction: string): Address {
  return {
    to: '/projects/$project/predictions/$endpoint/$prediction',
    params: { project, endpoint, prediction },
  };
}

/** One monitor. `query` selects the window and the column. */
export function monitorAddress(
  project: string,
  name: string,
  query: MonitorQuery = {},
): Address & { readonly search: MonitorQuery } {
  return { to: '/projects/$project/monitors/$name', params: { project, name }, search: query };
}

export interface MonitorQuery {
  readonly tab?: string;
  /** Number of the window. */
  readonly window?: string;
  readonly check?: string;
  readonly column?: string;
}

/** Upstream and downstream lineage of a node, named as in lineage: `run:…`. */
export function lineageAddress(project: string, of?: string): Address & { readonly search: { readonly of?: string } } {
  return { to: '/projects/$project/lineage', params: { project }, search: of === undefined ? {} : { of } };
}

/** Returns the link of a resource that is named by its kind: `Secret`. Undefined for kinds of another release. */
export function namedAddress(kindWord: string, project: string, name: string): Address | undefined {
  const kind = findKind(kindWord);
  return kind === undefined ? undefined : resourceAddress(kind, project, name);
}

/** The list of a kind, by its plural: a page of the first view need not load the module of the kind. */
export function namedListAddress(kindWord: string, project: string): Address {
  const kind = findKind(kindWord);
  return kind === undefined ? { to: '/', params: {} } : listAddress(kind, project);
}

/** Returns the path of a link from the console's root, for a plain `href`. */
export function addressPath({ to, params }: Address): string {
  return to.replaceAll(/\$(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
}
