/** Problems of a dataset beyond its schema. */
import type { Issue } from '#errors.ts';
import type { DatasetSpec } from '#kinds/dataset.ts';
import { checkExpectations } from '#records/expectation.ts';

/** Columns that are named twice, or named but missing. */
export function datasetIssues(spec: DatasetSpec): Issue[] {
  const issues: Issue[] = [];
  const named = new Map<string, string>();
  for (const [at, { name }] of (spec.columns ?? []).entries()) {
    const before = named.get(name.toLowerCase());
    if (before !== undefined) {
      const message =
        before === name ? `is ${name} a second time` : `is ${name}, which differs from ${before} in case only`;
      issues.push({ path: `spec.columns[${at}].name`, message });
    }
    named.set(name.toLowerCase(), name);
  }
  if (spec.columns !== undefined) {
    const known = new Set(spec.columns.map(({ name }) => name));
    for (const [path, column] of namedColumns(spec)) {
      if (known.has(column)) continue;
      issues.push({ path, message: `is ${column}, which is none of \`spec.columns\`` });
    }
  }
  issues.push(...twice('spec.keys', spec.keys ?? []));
  issues.push(
    ...twice(
      'spec.sensitive',
      (spec.sensitive ?? []).map(({ column }) => column),
    ),
  );
  const source = spec.source?.type ?? 'upload';
  if (spec.refreshMinutes !== undefined && source === 'upload') {
    issues.push({ path: 'spec.refreshMinutes', message: `has no meaning for the source \`${source}\`` });
  }
  if (spec.source?.type === 'files' || spec.source?.type === 'delta' || spec.source?.type === 'iceberg') {
    const { accessKeyId, secretAccessKey } = spec.source;
    if ((accessKeyId === undefined) !== (secretAccessKey === undefined)) {
      issues.push({
        path: 'spec.source',
        message: 'is incomplete',
        expected: '`accessKeyId` and `secretAccessKey`',
      });
    }
  }
  issues.push(...checkExpectations(spec.expectations ?? [], 'spec.expectations'));
  return issues;
}

function namedColumns({ keys = [], eventTime, createdTime, label, sensitive = [], protected: fair = [] }: DatasetSpec) {
  const single = { eventTime, createdTime, label };
  return [
    ...keys.map((column, at): [string, string] => [`spec.keys[${at}]`, column]),
    ...Object.entries(single).flatMap(([field, column]): [string, string][] =>
      column === undefined ? [] : [[`spec.${field}`, column]],
    ),
    ...sensitive.map(({ column }, at): [string, string] => [`spec.sensitive[${at}].column`, column]),
    ...fair.map((column, at): [string, string] => [`spec.protected[${at}]`, column]),
  ];
}

function twice(path: string, names: readonly string[]): Issue[] {
  return names.flatMap((name, at) =>
    names.indexOf(name) === at ? [] : [{ path: `${path}[${at}]`, message: `is ${name} a second time` }],
  );
}
