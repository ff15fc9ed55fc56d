/** Scorers. What MLflow's server would refuse to run, and clients would run when they load it, is refused here too. */
import {
  deleteScorerOperation,
  listScorerVersionsOperation,
  readExperimentOperation,
  readScorerOperation,
  registerScorerOperation,
  searchOnlineScoringOperation,
  searchScorersOperation,
  setOnlineScoringOperation,
  type OnlineScoringConfig,
} from '@dais/api/tracking';
import { route, type CallOperation, type Refusals, type Route } from '../route.ts';
import { list } from '../wire/encode.ts';
import { scorer, scorerMessage } from '../wire/evaluation-messages.ts';
import { experimentNumber, LIMITS, requireLength } from '../wire/limits.ts';
import { double, int32, int64, nested, repeated, required, string } from '../wire/message.ts';
import { pythonFloat } from '../wire/python-text.ts';
import { invalid, missing } from '../wire/mlflow-error.ts';
import { inactive, noExperiment } from './experiment-routes.ts';
import { requireAutomatic, requireHarmless } from './scorer-definition.ts';

const ofExperiment = { experiment_id: required(string), name: required(string) };
const listed = { scorers: repeated(nested(scorer)) };

export const scorerRoutes: readonly Route[] = [
  route({
    method: 'POST',
    version: 3,
    path: '/mlflow/scorers/register',
    operation: registerScorerOperation,
    request: { ...ofExperiment, serialized_scorer: required(string) },
    response: {
      version: int32,
      scorer_id: string,
      experiment_id: string,
      name: string,
      serialized_scorer: string,
      creation_time: int64,
    },
    answer: async ({ experiment_id: given, name, serialized_scorer: definition }, call) => {
      requireHarmless(definition);
      if (name.trim() === '') throw invalid('Scorer name cannot be empty or contain only whitespace.');
      requireLength('name', LIMITS.scorerName, name);
      const experimentId = experimentNumber(given);
      const made = await call(
        registerScorerOperation,
        { experimentId, name, definition },
        { ...noExperiment(experimentId), ...inactive(experimentId) },
      );
      return {
        version: made.version,
        scorer_id: made.id,
        experiment_id: made.experimentId,
        name: made.name,
        serialized_scorer: made.definition,
        creation_time: made.createdAt,
      };
    },
  }),
  route({
    method: 'GET',
    version: 3,
    path: '/mlflow/scorers/list',
    operation: searchScorersOperation,
    request: { experiment_id: string, experiment_ids: repeated(string) },
    response: listed,
    answer: async ({ experiment_id: one = '', experiment_ids: several }, call) => {
      if (one !== '' && several !== undefined) {
        throw invalid(
          "Cannot specify both 'experiment_id' and 'experiment_ids'. Use 'experiment_ids' to scope the query to multiple experiments, or 'experiment_id' to scope it to a single experiment.",
        );
      }
      if (one !== '') await requireExperiment(experimentNumber(one), call);
      const ids = several ?? (one === '' ? undefined : [one]);
      const of = ids === undefined ? {} : { experimentIds: [...new Set(ids.map(experimentNumber))] };
      const found = await allPages(async (page) => await call(searchScorersOperation, { ...of, ...page }));
      return { scorers: list(found.map(scorerMessage)) };
    },
  }),
  route({
    method: 'GET',
    version: 3,
    path: '/mlflow/scorers/versions',
    operation: listScorerVersionsOperation,
    request: ofExperiment,
    response: listed,
    answer: async ({ experiment_id: given, name }, call) => {
      const of = { experimentId: experimentNumber(given), name };
      requireLength('name', LIMITS.scorerName, name);
      const found = await allPages(
        async (page) => await call(listScorerVersionsOperation, { ...of, ...page }, refused(of)),
      );
      return { scorers: list(found.map(scorerMessage)) };
    },
  }),
  route({
    method: 'GET',
    version: 3,
    path: '/mlflow/scorers/get',
    operation: readScorerOperation,
    request: { ...ofExperiment, version: int32 },
    response: { scorer: nested(scorer) },
    answer: async ({ experiment_id: given, name, version }, call) => {
      const of = named(given, name, version);
      return { scorer: scorerMessage(await call(readScorerOperation, of, refused(of))) };
    },
  }),
  route({
    method: 'DELETE',
    version: 3,
    path: '/mlflow/scorers/delete',
    operation: deleteScorerOperation,
    request: { ...ofExperiment, version: int32 },
    answer: async ({ experiment_id: given, name, version }, call) => {
      const of = named(given, name, version);
      const { deleted } = await call(deleteScorerOperation, of, refused(of));
      if (deleted === 0) throw noScorer(of);
      return {};
    },
  }),
  route({
    method: 'GET',
    version: 3,
    path: '/mlflow/scorers/online-configs',
    beside: 'clients call it for each scorer',
    operation: searchOnlineScoringOperation,
    request: { scorer_ids: required(repeated(string)) },
    answer: async ({ scorer_ids: ids }, call) => {
      const scorerIds = [...new Set(ids)];
      const found = await allPages(async (page) => await call(searchOnlineScoringOperation, { scorerIds, ...page }));
      return { configs: found.map(onlineScoringMessage) };
    },
  }),
  route({
    method: 'PUT',
    version: 3,
    path: '/mlflow/scorers/online-config',
    beside: 'clients start, change and stop the scoring of traces with it',
    operation: setOnlineScoringOperation,
    request: { ...ofExperiment, sample_rate: required(double), filter_string: string },
    answer: async ({ experiment_id: given, name, sample_rate: sampleRate, filter_string: filter }, call) => {
      // Not a number fails both comparisons.
      if (!(sampleRate >= 0 && sampleRate <= 1)) {
        throw invalid(`sample_rate must be between 0.0 and 1.0, got ${pythonFloat(sampleRate)}`);
      }
      const of = named(given, name, undefined);
      const { definition } = await call(readScorerOperation, of, refused(of));
      if (sampleRate > 0) requireAutomatic(name, definition);
      const made = await call(
        setOnlineScoringOperation,
        { experimentId: of.experimentId, name, sampleRate, ...(filter !== undefined && { filter }) },
        refused(of),
      );
      return { config: onlineScoringMessage(made) };
    },
  }),
];

interface Named {
  readonly experimentId: string;
  readonly name: string;
  readonly version?: number;
}

function named(given: string, name: string, version: number | undefined): Named {
  const of = { experimentId: experimentNumber(given), name, ...(version !== undefined && { version }) };
  // What cannot be is not there.
  if (name.length > LIMITS.scorerName || (version ?? 1) < 1) throw noScorer(of);
  return of;
}

/** The experiment or the scorer is missing; the message names which. */
function refused(of: Named): Refusals {
  const { experimentId: id } = of;
  const experiment = missing(`No Experiment with id=${id} exists`);
  return {
    not_found: ({ message }) => (message.startsWith('There is no experiment') ? experiment : noScorer(of)),
    ...inactive(id),
  };
}

function noScorer({ experimentId, name, version }: Named): Error {
  const which = version === undefined ? '' : ` and version ${version}`;
  return missing(`Scorer with name '${name.slice(0, 300)}'${which} not found for experiment ${experimentId}.`);
}

async function requireExperiment(id: string, call: CallOperation): Promise<void> {
  const { lifecycle } = await call(readExperimentOperation, { id }, noExperiment(id));
  if (lifecycle === 'deleted') {
    throw invalid(`The experiment ${id} must be in the 'active' state. Current state is deleted.`);
  }
}

interface Page<Item> {
  readonly items: readonly Item[];
  readonly nextCursor?: string | undefined;
}

/** Clients call it once. */
async function allPages<Item>(
  read: (page: { limit: number; cursor?: string }) => Promise<Page<Item>>,
): Promise<Item[]> {
  const found: Item[] = [];
  let cursor: string | undefined;
  do {
    const page: Page<Item> = await read({ limit: 1000, ...(cursor !== undefined && { cursor }) });
    found.push(...page.items);
    cursor = page.nextCursor;
  } while (cursor !== undefined);
  return found;
}

function onlineScoringMessage({ id, scorerId, experimentId, sampleRate, filter }: OnlineScoringConfig) {
  return {
    online_scoring_config_id: id,
    scorer_id: scorerId,
    sample_rate: sampleRate,
    experiment_id: experimentId,
    ...(filter !== undefined && { filter_string: filter }),
  };
}
