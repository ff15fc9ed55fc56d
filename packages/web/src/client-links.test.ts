import { expect, test } from 'vitest';
import { pathOfClientLink } from './client-links.ts';

test.each([
  ['#/experiments/7/runs/0a1b', '/', '/projects/default/runs/0a1b'],
  ['#/experiments/7/runs/0a1b/artifacts/model?o=1', '/projects/team%20a', '/projects/team%20a/runs/0a1b'],
  ['#/experiments/7', '/projects/a/', '/projects/a/experiments/7'],
  ['#/experiments/7/overview', '/', '/projects/default/experiments/7'],
  ['#/experiments/7/traces?selectedEvaluationId=tr-1', '/', '/projects/default/traces'],
  ['#/experiments/7/models/m-0a1b', '/', '/projects/default/logged-models/m-0a1b'],
  ['#/experiments', '/', '/projects/default/experiments'],
  ['#/models/delay%20of/versions/3', '/', '/projects/default/models/delay%20of/versions/3'],
  ['#/models/delay', '/', '/projects/default/models/delay'],
  ['#/prompts/greeting', '/', '/projects/default/prompts/greeting'],
  ['#/prompts', '/', '/projects/default/prompts'],
  ['#/runs/details/01a2-3b', '/', '/projects/default/executions/01a2-3b'],
  ['#/runs/details/team.01a2-3b', '/', '/projects/team/executions/01a2-3b'],
  ['#/experiments/details/0', '/projects/a/', '/projects/a/experiments/0'],
  ['#/experiments/details/team.7', '/', '/projects/team/experiments/7'],
  ['#/pipelines/details/01a2/version/3b', '/', '/projects/default/pipelines'],
  ['#/nothing', '/', undefined],
  ['#experiments', '/', undefined],
  ['', '/', undefined],
])('%s at %s is %s', (hash, pathname, path) => {
  expect(pathOfClientLink(hash, pathname)).toBe(path);
});
