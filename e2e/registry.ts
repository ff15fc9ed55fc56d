/** Models as trainings register them, created through the native interface. */
import type { ModelVersion, RegisteredModel } from '../packages/api/src/registry/index.ts';
import type { Run } from '../packages/api/src/tracking/index.ts';
import type { Journey } from './journey.ts';
import { makeExperiment, train } from './training.ts';

const MODELS = '/api/v1/registry/models';

const FLIGHT_DELAY = `apiVersion: dais.dev/v1
kind: Model
metadata:
  name: flight-delay
  labels:
    risk: high
spec:
  description: Minutes of delay on arrival, an hour before departure
  intendedUse: Planning of gates; not for compensation of passengers
  owner: vision
  approvals:
    - aliases: [champion]
      users: [pat@example.com]
  objectives:
    - metric: mae
      direction: minimize
      target: 9
      businessFigure: One minute less saves 40 gate changes a day
    - metric: recall_night
      direction: maximize
      target: 0.8
      slice: hour >= 22
`;

const MODEL_FILE = `artifact_path: model
flavors:
  python_function:
    loader_module: mlflow.sklearn
    python_version: 3.11.2
  sklearn:
    pickled_model: model.pkl
signature:
  inputs: '[{"type": "double", "name": "distance", "required": true}, {"type": "long", "name": "hour", "required": false}]'
  outputs: '[{"type": "double", "required": true}]'
`;

/** The card that a training writes with its model. */
const CARD = `# Minutes of delay

Trained on **October**, without charter flights.

- good: short-haul, day and night
- not for: snow days, of which there are 12 in the data
`;

export async function registerModel(journey: Journey, body: object): Promise<RegisteredModel> {
  return (await journey.call(MODELS, body)) as RegisteredModel;
}

export async function registerVersion(journey: Journey, model: string, body: object): Promise<ModelVersion> {
  return (await journey.call(`${MODELS}/${encodeURIComponent(model)}/versions`, body)) as ModelVersion;
}

/** Creates a model with two versions of runs, and a third from elsewhere. Returns the runs. */
export async function makeFlightDelay(journey: Journey): Promise<readonly string[]> {
  await journey.apply(FLIGHT_DELAY);
  const experiment = await makeExperiment(journey, 'flights');
  const runs: string[] = [];
  for (const [depth, mae, recall] of [
    ['6', 10.25, 0.71],
    ['8', 8.5, 0.83],
  ] as const) {
    const run = await train(journey, experiment, {
      name: `depth ${depth}`,
      params: { depth, learning_rate: '0.1' },
      metrics: { mae: [14, mae], recall_night: [recall], rmse: [mae * 1.4] },
      status: 'FINISHED',
    });
    runs.push(run);
    const { artifactUri } = (await journey.call(`/api/v1/tracking/runs/${run}`)) as Run;
    const home = artifactUri.replace(/^mlflow-artifacts:\/+/, '');
    const file = depth === '6' ? MODEL_FILE.replace('"type": "long"', '"type": "integer"') : MODEL_FILE;
    await journey.keepArtifact(`${home}/model/MLmodel`, file);
    if (depth === '8') await journey.keepArtifact(`${home}/model/README.md`, CARD);
    await registerVersion(journey, 'flight-delay', {
      source: `runs:/${run}/model`,
      runId: run,
      tags: { validated: depth === '8' ? 'yes' : 'no' },
    });
  }
  await registerVersion(journey, 'flight-delay', { source: 's3://elsewhere/model' });
  return runs;
}
