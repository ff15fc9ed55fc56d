import { expect, test } from 'vitest';
import { firstLines } from './first-lines.ts';

test('three lines configure a client', () => {
  const lines = firstLines({ server: 'http://127.0.0.1:7070', project: 'default', accounts: false });
  expect(lines.split('\n')).toEqual([
    'export MLFLOW_TRACKING_URI=http://127.0.0.1:7070',
    'export MLFLOW_EXPERIMENT_NAME=first',
    `python -c 'import mlflow; mlflow.log_metric("loss", 0.5)'`,
  ]);
});

test('project, experiment and token are named', () => {
  const lines = firstLines({ server: 'https://ml.example', project: 'a b', accounts: true, experiment: "it's" });
  expect(lines.split('\n').slice(0, 3)).toEqual([
    'export MLFLOW_TRACKING_URI=https://ml.example/p/a%20b',
    'export MLFLOW_TRACKING_TOKEN="$DAIS_TOKEN"',
    `export MLFLOW_EXPERIMENT_NAME='it'\\''s'`,
  ]);
});
