/** Problems of a monitor beyond its schema. */
import type { Issue } from '#errors.ts';
import type { MonitorCheck, MonitorSpec } from '#kinds/monitor.ts';
import { parseDatasetReference } from '#records/data-reference.ts';
import { isZone } from '#pipelines/cron.ts';
import { parseServedModel } from '#serving/model-reference.ts';

/** Names of a check and its alert. */
export function nameOfCheck({ name, type }: Pick<MonitorCheck, 'name' | 'type'>): string {
  return name ?? type.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** Checks without a meaning for a dataset. */
const OF_ENDPOINTS: ReadonlySet<MonitorCheck['type']> = new Set([
  'predictionDrift',
  'skew',
  'performance',
  'slo',
  'estimatedPerformance',
  'fairness',
  'attributionDrift',
  'resources',
]);

export function monitorIssues(spec: MonitorSpec): Issue[] {
  const { endpoint, dataset } = spec;
  const issues: Issue[] = [];
  if ((endpoint === undefined) === (dataset === undefined)) {
    const message = endpoint === undefined ? 'names no endpoint or dataset' : 'names an endpoint and a dataset';
    issues.push({ path: 'spec', message, expected: '`endpoint` or `dataset`, one of them' });
  }
  return [
    ...issues,
    ...baselineIssues(spec),
    ...predictionIssues(spec),
    ...checkIssues(spec),
    ...silenceIssues(spec),
    ...alertIssues(spec),
  ];
}

function baselineIssues({ baseline, dataset }: MonitorSpec): Issue[] {
  if (baseline === undefined) return [];
  const path = 'spec.baseline';
  if (baseline.type === 'dataset' && parseDatasetReference(baseline.version) === undefined) {
    const expected = 'NAME@3, NAME@latest, NAME@2026-11-01 or NAME@TAG';
    return [{ path: `${path}.version`, message: `is "${baseline.version}"`, expected }];
  }
  if (baseline.type === 'model') {
    const problem = parseServedModel(baseline.model);
    if ('message' in problem) return [{ path: `${path}.model`, ...problem }];
  }
  if (baseline.type === 'window' && Date.parse(baseline.from) >= Date.parse(baseline.until)) {
    return [{ path: `${path}.until`, message: 'is not after `from`' }];
  }
  if (dataset !== undefined && (baseline.type === 'training' || baseline.type === 'window')) {
    const expected = '`dataset`, `model`, `rolling` or `first`: a dataset has no predictions';
    return [{ path: `${path}.type`, message: `is "${baseline.type}"`, expected }];
  }
  return [];
}

function predictionIssues({ prediction: { task, column, score, threshold } }: MonitorSpec): Issue[] {
  const path = 'spec.prediction';
  if (task === 'regression' && (score ?? threshold) !== undefined) {
    const name = score === undefined ? 'threshold' : 'score';
    return [{ path: `${path}.${name}`, message: 'is there', expected: 'no score: the task is regression' }];
  }
  if (column !== undefined && threshold !== undefined) {
    const expected = '`column`, which is the class, or `threshold`, which makes one of the score';
    return [{ path: `${path}.threshold`, message: 'cannot be combined with `column`', expected }];
  }
  return [];
}

function checkIssues({ checks, dataset, prediction }: MonitorSpec): Issue[] {
  const issues: Issue[] = [];
  const seen = new Set<string>();
  for (const [at, check] of checks.entries()) {
    const path = `spec.checks[${at}]`;
    const name = nameOfCheck(check);
    if (seen.has(name)) {
      const expected = 'a unique `name`, which also names the alert';
      issues.push({ path: `${path}.name`, message: `is "${name}" a second time`, expected });
    }
    seen.add(name);
    // The default is for endpoints; inapplicable checks of a dataset are omitted automatically.
    if (dataset !== undefined && check.type !== 'predictionDrift' && OF_ENDPOINTS.has(check.type)) {
      const expected = '`drift` or `quality`: a dataset has no predictions';
      issues.push({ path: `${path}.type`, message: `is "${check.type}"`, expected });
    }
    if ('method' in check && check.method === 'wasserstein' && check.threshold === undefined) {
      const expected = 'a number in the unit of the column; or `wasserstein_normed`, which has a default';
      issues.push({ path: `${path}.threshold`, message: 'is needed by `wasserstein`', expected });
    }
    if (check.type === 'resources' && (check.cpuSeconds ?? check.memoryMb) === undefined) {
      issues.push({ path, message: 'has no threshold', expected: '`cpuSeconds` or `memoryMb`' });
    }
    if (check.type === 'performance') issues.push(...metricIssues(check, path, prediction.task));
    if (check.type === 'estimatedPerformance') issues.push(...estimateIssues(check, path, prediction.task));
    if (check.type === 'fairness') issues.push(...fairnessIssues(check, path, prediction.task));
  }
  return issues;
}

const OF_REGRESSION: ReadonlySet<string> = new Set(['mae', 'rmse', 'mape', 'r2', 'bias']);

function metricIssues(
  { metrics }: Extract<MonitorCheck, { type: 'performance' }>,
  path: string,
  task: 'classification' | 'regression' | undefined,
): Issue[] {
  return metrics.flatMap(({ metric, min, max, change }, at): Issue[] => {
    const here = `${path}.metrics[${at}]`;
    if (min === undefined && max === undefined && change === undefined) {
      return [{ path: here, message: 'has no threshold', expected: '`min`, `max` or `change`' }];
    }
    if (min !== undefined && max !== undefined && min > max) {
      return [{ path: `${here}.min`, message: `is ${min}`, expected: `at most ${max}, like \`max\`` }];
    }
    if (task !== undefined && OF_REGRESSION.has(metric) !== (task === 'regression')) {
      return [{ path: `${here}.metric`, message: `is "${metric}"`, expected: `a metric of ${task}` }];
    }
    return [];
  });
}

function estimateIssues(
  { metrics, reference }: Extract<MonitorCheck, { type: 'estimatedPerformance' }>,
  path: string,
  task: MonitorSpec['prediction']['task'],
): Issue[] {
  if (task === 'regression') {
    const expected = '`performance`: only of classes it can be estimated without labels';
    return [{ path: `${path}.type`, message: 'is "estimatedPerformance", and the task is regression', expected }];
  }
  const unbound = metrics.findIndex(({ min, change }) => (min ?? change) === undefined);
  return [
    ...(unbound === -1
      ? []
      : [{ path: `${path}.metrics[${unbound}]`, message: 'has no threshold', expected: '`min` or `change`' }]),
    ...(reference !== undefined && Date.parse(reference.from) >= Date.parse(reference.until)
      ? [{ path: `${path}.reference.until`, message: 'is not after `from`' }]
      : []),
  ];
}

function fairnessIssues(
  { columns, privileged }: Extract<MonitorCheck, { type: 'fairness' }>,
  path: string,
  task: MonitorSpec['prediction']['task'],
): Issue[] {
  if (task === 'regression') {
    const expected = 'no `fairness`: it is of classes, and the task is regression';
    return [{ path: `${path}.type`, message: 'is "fairness"', expected }];
  }
  return Object.keys(privileged)
    .filter((name) => !columns.includes(name))
    .map((name) => ({
      path: `${path}.privileged.${name}`,
      message: 'is no column of it',
      expected: columns.join(', '),
    }));
}

function silenceIssues({ silence }: MonitorSpec): Issue[] {
  return silence.flatMap((one, at): Issue[] => {
    const path = `spec.silence[${at}]`;
    if (one.type === 'once') {
      return Date.parse(one.from) < Date.parse(one.until)
        ? []
        : [{ path: `${path}.until`, message: 'is not after `from`' }];
    }
    return isZone(one.zone)
      ? []
      : [{ path: `${path}.zone`, message: `${one.zone} is no time zone`, expected: 'Europe/Berlin' }];
  });
}

function alertIssues({ checks, onAlert, raiseAfter, keepWindows, baseline }: MonitorSpec): Issue[] {
  const issues: Issue[] = [];
  const names = checks.map(nameOfCheck);
  for (const [at, name] of (onAlert?.startPipeline?.checks ?? []).entries()) {
    if (names.includes(name)) continue;
    const path = `spec.onAlert.startPipeline.checks[${at}]`;
    issues.push({ path, message: `is "${name}"`, expected: names.join(', ') });
  }
  const needed = Math.max(raiseAfter, baseline?.type === 'rolling' ? baseline.windows : 0);
  if (keepWindows <= needed) {
    issues.push({ path: 'spec.keepWindows', message: `is ${keepWindows}`, expected: `more than ${needed}` });
  }
  return issues;
}
