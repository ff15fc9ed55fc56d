/** Problems of a feature view beyond its schema, independent of other resources. */
import type { z } from 'zod';
import type { Issue } from '#errors.ts';
import { durationMicroseconds } from '#features/duration.ts';
import { parseExpression } from '#features/expression.ts';
import type { featureViewSpec } from '#kinds/feature-view.ts';

const MINUTE_US = 60_000_000;

export function featureViewIssues(spec: z.output<typeof featureViewSpec>): Issue[] {
  const { source, features, eventTime, createdTime, refresh, entities } = spec;
  const issues: Issue[] = [];
  const onDemand = source.type === 'onDemand';
  if (eventTime === undefined && (source.type === 'dataset' || source.type === 'sql')) {
    issues.push({
      path: 'spec.eventTime',
      message: 'is required',
      expected: 'the column with the time since which a row is valid',
    });
  }
  for (const [field, given] of Object.entries({ eventTime, createdTime, refresh })) {
    if (given !== undefined && (onDemand || (source.type === 'push' && field === 'refresh'))) {
      issues.push({ path: `spec.${field}`, message: `has no meaning with \`source.type: ${source.type}\`` });
    }
  }
  if (onDemand && entities.length > 0) {
    issues.push({ path: 'spec.entities', message: 'are those of the views that it uses', expected: 'none' });
  }
  if (onDemand && source.views.length + source.request.length === 0) {
    issues.push({ path: 'spec.source', message: 'has no inputs', expected: '`views` or `request`' });
  }
  if (refresh !== undefined && durationMicroseconds(refresh.every) < MINUTE_US) {
    issues.push({ path: 'spec.refresh.every', message: `is ${refresh.every}`, expected: 'at least `1m`' });
  }
  const twice = new Set<string>();
  for (const [at, { name, expression }] of features.entries()) {
    const path = `spec.features[${at}]`;
    if (twice.has(name)) issues.push({ path: `${path}.name`, message: `is "${name}", as one before it` });
    twice.add(name);
    if (onDemand !== (expression !== undefined)) {
      const message = onDemand ? 'is required' : 'is valid only in a view with `source.type: onDemand`';
      issues.push({ path: `${path}.expression`, message });
      continue;
    }
    const parsed = expression === undefined ? undefined : parseExpression(expression);
    if (parsed?.ok === false) {
      const { at: position, message } = parsed.problem;
      issues.push({ path: `${path}.expression`, message: `at character ${position + 1}: ${message}` });
    }
  }
  return issues;
}
