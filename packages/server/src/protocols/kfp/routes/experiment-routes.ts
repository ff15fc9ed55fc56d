import { archiveExecutionsOperation } from '@dais/api/executions';
import {
  createExperimentOperation,
  deleteExperimentOperation,
  experimentActivityOperation,
  readExperimentOperation,
  searchExperimentsOperation,
  updateExperimentOperation,
  type Experiment,
} from '@dais/api/tracking';
import { route, type CallOperation, type Refusals, type Route } from '../route.ts';
import { listFields, nextPage, readList } from '../wire/list-request.ts';
import { string, outputOnly } from '../wire/message.ts';
import { invalid, RpcError } from '../wire/rpc-status.ts';
import { showTime } from '../wire/time.ts';
import { ARCHIVED_TAG, experimentFilter, experimentOrder } from './experiment-filter.ts';

/** The tag with which MLflow's user interface stores the description of an experiment. */
const DESCRIPTION_TAG = 'mlflow.note.content';
const DEFAULT_EXPERIMENT = '0';
const LONGEST_NAME = 500;
/** Limit up to which `total_size` is exact for lists with further pages. */
const COUNTED = 1000;

const experimentFields = {
  experiment_id: outputOnly,
  display_name: string,
  description: string,
  created_at: outputOnly,
  namespace: string,
  storage_state: outputOnly,
  last_run_created_at: outputOnly,
};

export const experimentRoutes: readonly Route[] = [
  route({
    method: 'POST',
    path: '/experiments',
    operation: createExperimentOperation,
    body: 'experiment',
    request: experimentFields,
    answer: async ({ display_name: name = '', description = '' }, call) => {
      if (name === '') {
        throw invalid('The experiment has no display_name. Specify one.');
      }
      if (name.length > LONGEST_NAME) throw invalid(`display_name is longer than ${LONGEST_NAME} characters.`);
      const made = await call(
        createExperimentOperation,
        { name, ...(description !== '' && { tags: { [DESCRIPTION_TAG]: description } }) },
        {
          already_exists: () =>
            new RpcError('ALREADY_EXISTS', `Already exist error: experiment ${name} already exists`),
        },
      );
      return experimentMessage(made, undefined);
    },
  }),
  route({
    method: 'GET',
    path: '/experiments',
    operation: searchExperimentsOperation,
    request: { ...listFields, namespace: string },
    answer: async (values, call) => {
      const { predicates, sortBy, limit, cursor } = readList(values);
      const search = { filter: experimentFilter(predicates), orderBy: [...experimentOrder(sortBy)] };
      const page = { ...search, limit, ...(cursor !== undefined && { cursor }) };
      const { items, nextCursor } = await call(searchExperimentsOperation, page);
      const whole = cursor === undefined && nextCursor === undefined;
      const total = whole
        ? items.length
        : (await call(searchExperimentsOperation, { ...search, limit: COUNTED })).items.length;
      const last = await lastRuns(items, call);
      return {
        experiments: items.map((one) => experimentMessage(one, last.get(one.id))),
        total_size: total,
        ...nextPage(nextCursor, values),
      };
    },
  }),
  route({
    method: 'GET',
    path: '/experiments/{experiment_id}',
    operation: readExperimentOperation,
    request: { experiment_id: string },
    answer: async ({ experiment_id: id = '' }, call) => {
      const experiment = await requireExperiment(id, call);
      return experimentMessage(experiment, (await lastRuns([experiment], call)).get(experiment.id));
    },
  }),
  route({
    method: 'POST',
    path: '/experiments/{experiment_id}:archive',
    operation: updateExperimentOperation,
    request: {},
    answer: async (values, call) => {
      const { id } = await requireExperiment(idOf(values), call);
      await call(updateExperimentOperation, { id, tags: { [ARCHIVED_TAG]: 'true' } }, noExperiment(id));
      await call(archiveExecutionsOperation, { experimentId: id });
      return {};
    },
  }),
  route({
    method: 'POST',
    path: '/experiments/{experiment_id}:unarchive',
    operation: updateExperimentOperation,
    request: {},
    answer: async (values, call) => {
      const { id, tags } = await requireExperiment(idOf(values), call);
      if (tags[ARCHIVED_TAG] === undefined) return {};
      await call(updateExperimentOperation, { id, removeTags: [ARCHIVED_TAG] }, noExperiment(id));
      return {};
    },
  }),
  route({
    method: 'DELETE',
    path: '/experiments/{experiment_id}',
    operation: deleteExperimentOperation,
    request: { experiment_id: string },
    answer: async ({ experiment_id: given = '' }, call) => {
      const { id, name } = await requireExperiment(given, call);
      const gone = noExperiment(id);
      // Deleted experiments keep their names, since they can be restored, but KFP clients reuse names immediately.
      const suffix = ` (deleted ${id})`;
      const kept = `${name.slice(0, LONGEST_NAME - suffix.length)}${suffix}`;
      await call(updateExperimentOperation, { id, name: kept }, { ...gone, already_exists: gone.not_found });
      await call(deleteExperimentOperation, { id }, { ...gone, invalid_state: gone.not_found });
      return {};
    },
  }),
];

/** Path parameters are fields of every request. */
function idOf(values: object): string {
  return (values as { readonly experiment_id?: string }).experiment_id ?? '';
}

function noExperiment(id: string): Refusals {
  return { not_found: () => missing(id), invalid_state: () => missing(id) };
}

function missing(id: string): RpcError {
  return new RpcError('NOT_FOUND', `Experiment ${id.slice(0, 100)} not found`);
}

/** @throws RpcError `NOT_FOUND`, also for a deleted experiment. */
async function requireExperiment(id: string, call: CallOperation): Promise<Experiment> {
  if (!/^\d{1,18}$/.test(id)) throw missing(id);
  const experiment = await call(readExperimentOperation, { id }, noExperiment(id));
  if (experiment.lifecycle === 'deleted') throw missing(id);
  return experiment;
}

/** Returns the experiment for a run, by default the default one. @throws RpcError `NOT_FOUND`, `FAILED_PRECONDITION` */
export async function usableExperiment(id: string, call: CallOperation): Promise<string> {
  // The default experiment is created at the first write.
  if (id === '' || id === DEFAULT_EXPERIMENT) return DEFAULT_EXPERIMENT;
  const experiment = await requireExperiment(id, call);
  if (experiment.tags[ARCHIVED_TAG] === undefined) return experiment.id;
  throw new RpcError('FAILED_PRECONDITION', `Experiment ${experiment.id} is archived. Unarchive it first`);
}

/** Returns the start time of the last run of each experiment. */
async function lastRuns(experiments: readonly Experiment[], call: CallOperation): Promise<ReadonlyMap<string, number>> {
  if (experiments.length === 0) return new Map();
  const { items } = await call(experimentActivityOperation, { ids: experiments.map(({ id }) => id) });
  return new Map(items.flatMap(({ id, lastStartedAt: at }) => (at === undefined ? [] : [[id, at] as const])));
}

function experimentMessage({ id, name, createdAt, tags }: Experiment, lastRunAt: number | undefined) {
  const description = tags[DESCRIPTION_TAG];
  return {
    experiment_id: id,
    display_name: name,
    ...(description !== undefined && { description }),
    created_at: showTime(createdAt),
    storage_state: tags[ARCHIVED_TAG] === undefined ? 'AVAILABLE' : 'ARCHIVED',
    last_run_created_at: showTime(lastRunAt ?? 0),
  };
}
