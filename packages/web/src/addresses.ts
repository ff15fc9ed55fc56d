/** Where each page is: the one place that knows the form of the console's addresses. */
import { findKind, type KindSpec } from '@dais/api';

/** What a link of the router needs. */
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

/** What somebody may do in a project, and why. `query` says about whom and what. */
export function accessAddress(project: string, query: AccessQuery = {}): Address & { readonly search: AccessQuery } {
  return { to: '/projects/$project/access', params: { project }, search: query };
}

export interface AccessQuery {
  /** `user:ada@example.com`; absent: oneself. */
  readonly who?: string;
  /** Kind and action of the cell that is explained. */
  readonly action?: string;
  readonly resource?: string;
}

export function accountAddress(page: 'account' | 'tokens' | 'sessions'): Address {
  return { to: page === 'account' ? '/account' : `/account/${page}`, params: {} };
}

/** The search of the audit log; undefined: of the organization and all its projects. */
export function auditAddress(project: string | undefined): Address {
  return project === undefined
    ? { to: '/organization/audit', params: {} }
    : { to: '/projects/$project/audit', params: { project } };
}

/** Where runs are kept together. */
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

/** A model as a run left it, by its id. */
export function loggedModelAddress(project: string, model: string): Address {
  return { to: '/projects/$project/logged-models/$model', params: { project, model } };
}

/** Runs beside each other. */
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

/** The comments that name whoever looks. */
export function mentionsAddress(project: string): Address {
  return { to: '/projects/$project/mentions', params: { project } };
}

/** Texts for language models. */
export function promptsAddress(project: string): Address {
  return { to: '/projects/$project/prompts', params: { project } };
}

/** `query` says which version is read. */
export function promptAddress(
  project: string,
  name: string,
  query: { readonly version?: string } = {},
): Address & { readonly search: { readonly version?: string } } {
  return { to: '/projects/$project/prompts/$name', params: { project, name }, search: query };
}

/** What programs did, step by step. */
export function tracesAddress(project: string): Address {
  return { to: '/projects/$project/traces', params: { project } };
}

export function traceAddress(project: string, trace: string): Address {
  return { to: '/projects/$project/traces/$trace', params: { project, trace } };
}

/** Runs of commands and pipelines. */
export function executionsAddress(project: string): Address {
  return { to: '/projects/$project/executions', params: { project } };
}

/** `query` says what of it is looked at. */
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
  /** What is shown of the step. */
  readonly show?: string;
}

/** Two runs of commands beside each other. */
export function executionDiffAddress(
  project: string,
  from: string,
  to: string,
): Address & { readonly search: { readonly from: string; readonly to: string } } {
  return { to: '/projects/$project/executions/compare', params: { project }, search: { from, to } };
}

/** What steps use, and which wait. */
export function computeAddress(project: string): Address {
  return { to: '/projects/$project/compute', params: { project } };
}

/** What one version of a model has that another has not. */
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

/** One version of a dataset: a number, `latest`, a tag. `query` says what of it is looked at. */
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
  /** Name of the column that is looked at. */
  readonly column?: string;
}

/** What one version of a dataset has that another has not. */
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

/** Labels that people gave. */
export function labelsAddress(project: string): Address {
  return { to: '/projects/$project/labels', params: { project } };
}

/** `query` says which tasks are looked at. */
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

/** What endpoints answered. `query` says which of it is looked at. */
export function predictionsAddress(
  project: string,
  query: PredictionQuery = {},
): Address & { readonly search: PredictionQuery } {
  return { to: '/projects/$project/predictions', params: { project }, search: query };
}

export interface PredictionQuery {
  readonly endpoint?: string;
  /** Number of the version that answered. */
  readonly version?: string;
  readonly variant?: string;
  readonly state?: string;
}

/** One prediction, by the id that its answer told. */
/** Long work on versions of models. `query` says on which. */
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

/** One monitor. `query` says which window and column of it are looked at. */
export function monitorAddress(
  project: string,
  name: string,
  query: MonitorQuery = {},
): Address & { readonly search: MonitorQuery } {
  return { to: '/projects/$project/monitors/$name', params: { project, name }, search: query };
}

export interface MonitorQuery {
  readonly tab?: string;
  /** Its number. */
  readonly window?: string;
  readonly check?: string;
  readonly column?: string;
}

/** What something was made from, and what was made of it: a node as the lineage names it, `run:…`. */
export function lineageAddress(project: string, of?: string): Address & { readonly search: { readonly of?: string } } {
  return { to: '/projects/$project/lineage', params: { project }, search: of === undefined ? {} : { of } };
}

/** The address of something that is named by its kind in words: `Secret`. Undefined for kinds of another version. */
export function namedAddress(kindWord: string, project: string, name: string): Address | undefined {
  const kind = findKind(kindWord);
  return kind === undefined ? undefined : resourceAddress(kind, project, name);
}

/** The list of a kind that is named by its word: a page of the first view need not load the kind's own module. */
export function namedListAddress(kindWord: string, project: string): Address {
  const kind = findKind(kindWord);
  return kind === undefined ? { to: '/', params: {} } : listAddress(kind, project);
}

/** The path of an address, from the console's root: what a plain `href` needs. */
export function addressPath({ to, params }: Address): string {
  return to.replaceAll(/\$(\w+)/g, (_, name: string) => encodeURIComponent(params[name] ?? ''));
}
