import {
  createIssueOperation,
  issueSeverities,
  issueStatuses,
  readIssueOperation,
  searchIssuesOperation,
  updateIssueOperation,
  type Issue,
} from '@dais/api/tracking';
import { route, type Refusals, type Route } from '../route.ts';
import { list } from '../wire/encode.ts';
import { experimentNumber } from '../wire/limits.ts';
import { bool, int32, int64, map, nested, repeated, required, string } from '../wire/message.ts';
import { invalid, missing, MlflowError } from '../wire/mlflow-error.ts';
import { inactive, noExperiment } from './experiment-routes.ts';

const PATH = '/mlflow/issues';
const ONE = `${PATH}/:issue_id` as const;

const issue = {
  issue_id: string,
  experiment_id: string,
  name: string,
  description: string,
  status: string,
  severity: string,
  root_causes: repeated(string),
  source_run_id: string,
  categories: repeated(string),
  created_timestamp: int64,
  last_updated_timestamp: int64,
  created_by: string,
  trace_count: int64,
  last_seen_timestamp: int64,
  last_updated_by: string,
  metadata: map,
};
const answered = { issue: nested(issue) };

export const issueRoutes: readonly Route[] = [
  route({
    method: 'POST',
    version: 3,
    path: PATH,
    operation: createIssueOperation,
    request: {
      name: required(string),
      description: required(string),
      experiment_id: required(string),
      status: string,
      severity: string,
      root_causes: repeated(string),
      source_run_id: string,
      created_by: string,
      categories: repeated(string),
      issue_id: string,
      last_seen_timestamp: int64,
      metadata: map,
    },
    response: answered,
    answer: async ({ experiment_id: given, name, description, ...more }, call) => {
      const { root_causes: rootCauses, source_run_id: run = '', created_by: author = '', issue_id: id = '' } = more;
      const experimentId = experimentNumber(given);
      const made = await call(
        createIssueOperation,
        {
          ...(id !== '' && { id: issueName(id) }),
          experimentId,
          name,
          description,
          ...judged(more),
          ...(rootCauses !== undefined && { rootCauses: [...rootCauses] }),
          ...(run !== '' && { sourceRunId: run }),
          ...(author !== '' && { createdBy: author }),
        },
        {
          ...noExperiment(experimentId),
          ...inactive(experimentId),
          already_exists: () => new MlflowError('RESOURCE_ALREADY_EXISTS', 'Issue ID already exists'),
        },
      );
      return { issue: issueMessage(made) };
    },
  }),
  route({
    method: 'GET',
    version: 3,
    path: ONE,
    operation: readIssueOperation,
    request: { issue_id: required(string) },
    response: answered,
    answer: async ({ issue_id: id }, call) => ({
      issue: issueMessage(await call(readIssueOperation, { id: issueName(id) }, noIssue(id))),
    }),
  }),
  route({
    method: 'PATCH',
    version: 3,
    path: ONE,
    operation: updateIssueOperation,
    request: {
      issue_id: required(string),
      name: string,
      description: string,
      status: string,
      severity: string,
      categories: repeated(string),
      last_seen_timestamp: int64,
      last_updated_by: string,
      metadata: map,
      delete_metadata_keys: repeated(string),
    },
    response: answered,
    answer: async ({ issue_id: id, name, description, ...more }, call) => {
      const { last_updated_by: author = '', delete_metadata_keys: removed } = more;
      const changed = await call(
        updateIssueOperation,
        {
          id: issueName(id),
          ...(name !== undefined && { name }),
          ...(description !== undefined && { description }),
          ...judged(more),
          ...(author !== '' && { updatedBy: author }),
          ...(removed !== undefined && { removeMetadata: [...removed] }),
        },
        noIssue(id),
      );
      return { issue: issueMessage(changed) };
    },
  }),
  route({
    method: 'POST',
    version: 3,
    path: `${PATH}/search`,
    operation: searchIssuesOperation,
    request: {
      experiment_id: string,
      filter_string: string,
      max_results: int32,
      page_token: string,
      include_trace_count: bool,
      name: string,
      statuses: repeated(string),
      severities: repeated(string),
      categories: repeated(string),
      order_by: repeated(string),
      include_total_count: bool,
      view: string,
    },
    response: { issues: repeated(nested(issue)), next_page_token: string, total_count: int64 },
    answer: async ({ experiment_id: experiment = '', max_results: limit = 100, view = 'full', ...more }, call) => {
      const { filter_string: filter = '', page_token: cursor = '', order_by: orderBy = [], name } = more;
      if (limit < 1 || limit > 1000) throw invalid('max_results must be between 1 and 1000.');
      if (view !== 'basic' && view !== 'full') throw invalid('view must be basic or full');
      const { statuses = [], severities = [], categories = [] } = more;
      const found = await call(searchIssuesOperation, {
        ...(experiment !== '' && { experimentId: experimentNumber(experiment) }),
        ...(filter !== '' && { filter }),
        ...(orderBy.length > 0 && { orderBy: [...orderBy] }),
        ...(name !== undefined && { name }),
        ...(statuses.length > 0 && { statuses: statuses.map((one) => named(issueStatuses, 'status', one)) }),
        ...(severities.length > 0 && { severities: severities.map((one) => named(issueSeverities, 'severity', one)) }),
        ...(categories.length > 0 && { categories: [...categories] }),
        withTraces: more.include_trace_count ?? false,
        withTotal: more.include_total_count ?? false,
        limit,
        ...(cursor !== '' && { cursor }),
      });
      const message = (one: Issue) =>
        view === 'full'
          ? issueMessage(one)
          : { ...issueMessage(one), description: '', root_causes: undefined, metadata: undefined };
      return {
        issues: list(found.items.map(message)),
        next_page_token: found.nextCursor ?? '',
        total_count: found.total,
      };
    },
  }),
];

interface Judged {
  readonly status?: string;
  readonly severity?: string;
  readonly categories?: readonly string[];
  readonly last_seen_timestamp?: number;
  readonly metadata?: Readonly<Record<string, string>>;
}

function judged({ status, severity, categories, last_seen_timestamp: seenAt, metadata }: Judged) {
  return {
    ...(status !== undefined && { status: named(issueStatuses, 'status', status) }),
    ...(severity !== undefined && { severity: named(issueSeverities, 'severity', severity) }),
    ...(categories !== undefined && { categories: [...categories] }),
    ...(seenAt !== undefined && { seenAt }),
    ...(metadata !== undefined && { metadata: { ...metadata } }),
  };
}

/** @throws MlflowError for an unknown name. */
function named<const Name extends string>(names: readonly Name[], what: string, given: string): Name {
  const known = names.find((name) => name === given);
  if (known !== undefined) return known;
  throw invalid(`Invalid issue ${what}: '${given.slice(0, 200)}'. It must be one of ${names.join(', ')}.`);
}

function noIssue(id: string): Refusals {
  return { not_found: () => missing(`Issue with ID '${id}' not found`) };
}

/** @throws MlflowError for an id that no issue can have. */
function issueName(id: string): string {
  if (/^iss-[A-Za-z0-9_-]{1,60}$/.test(id)) return id;
  throw missing(`Issue with ID '${id.slice(0, 200)}' not found`);
}

function issueMessage(one: Issue) {
  return {
    issue_id: one.id,
    experiment_id: one.experimentId,
    name: one.name,
    description: one.description,
    status: one.status,
    severity: one.severity,
    root_causes: list(one.rootCauses),
    source_run_id: one.sourceRunId,
    categories: list(one.categories),
    created_timestamp: one.createdAt,
    last_updated_timestamp: one.updatedAt,
    created_by: one.createdBy,
    trace_count: one.traces,
    last_seen_timestamp: one.seenAt,
    last_updated_by: one.updatedBy,
    metadata: Object.keys(one.metadata).length === 0 ? undefined : one.metadata,
  };
}
