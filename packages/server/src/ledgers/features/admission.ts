/** Validates changes of entities, views and services in their transaction. */
import { DaisError, type Issue } from '@dais/api';
import { fits, typeOfExpression, featureViewSpec } from '@dais/api/data';
import type { AdmittedChange } from '#kernel/kind.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { changeCatalog } from './definitions/catalog.ts';
import { compileView } from './definitions/compile-view.ts';
import { loadViews } from './definitions/load-selection.ts';
import { DROP_QUEUE } from './materialize/materialization-rows.ts';
import { findColumn } from './definitions/on-demand-columns.ts';

export async function admitEntity(tx: Transaction, change: AdmittedChange): Promise<void> {
  if (!change.dryRun) await changeCatalog(tx, change.projectId);
}

/** Validates expressions. @throws DaisError `invalid_manifest` for an expression with an invalid type. */
export async function admitFeatureView(tx: Transaction, change: AdmittedChange): Promise<void> {
  if (change.spec !== undefined) await checkExpressions(tx, change.name, change.spec);
  await admitDefinition(tx, change, 'FeatureView');
}

export async function admitFeatureService(tx: Transaction, change: AdmittedChange): Promise<void> {
  await admitDefinition(tx, change, 'FeatureService');
}

async function admitDefinition(tx: Transaction, change: AdmittedChange, kind: string): Promise<void> {
  if (change.dryRun) return;
  await changeCatalog(tx, change.projectId);
  if (change.action === 'delete' && kind === 'FeatureView') {
    const payload = { view: change.uid };
    await tx.sql.query('delete from features.definition where uid = $1', [change.uid], 'drop_feature_definition');
    tx.enqueue({ queue: DROP_QUEUE, projectId: change.projectId, payload, uniqueKey: change.uid, maxAttempts: 100 });
  }
  if (change.action !== 'create') return;
  await tx.sql.query(
    `insert into features.definition (uid, project_id, kind, name) values ($1, $2, $3, $4) on conflict do nothing`,
    [change.uid, change.projectId, kind, change.name],
    'admit_feature_definition',
  );
}

/**
 * Checks the types of expressions if the views that they use exist. Views that the same apply creates later are checked
 * when features are read.
 */
async function checkExpressions(tx: Transaction, name: string, spec: Readonly<Record<string, unknown>>): Promise<void> {
  const { source } = featureViewSpec.parse(spec);
  if (source.type !== 'onDemand') return;
  const views = await loadViews(tx, source.views).catch((error: unknown) => {
    if (error instanceof DaisError && error.code === 'not_found') return undefined;
    throw error;
  });
  if (views === undefined) return;
  const inputs = [...views].map(([name, view]) => ({ name, as: name, view }));
  const compiled = compileView({ spec, name, uid: '', generation: 0n } as never, new Map());
  const issues = compiled.features.flatMap(({ expression, type }, at): Issue[] => {
    if (expression === undefined) return [];
    const path = `spec.features[${at}].expression`;
    const found = typeOfExpression(expression, (column): string => {
      const columnInput = findColumn(column, source.request, inputs);
      return typeof columnInput === 'string' ? columnInput : columnInput.type;
    });
    if ('problem' in found)
      return [{ path, message: `at character ${found.problem.at + 1}: ${found.problem.message}` }];
    return fits(found.type, type) ? [] : [{ path, message: `has type ${found.type}, not ${type}` }];
  });
  if (issues.length > 0) {
    throw new DaisError('invalid_manifest', `FeatureView "${name}": ${issues[0]?.path} ${issues[0]?.message}.`, {
      issues,
    });
  }
}

/** Deletes all data of a deleted project, whose views are already deleted. */
export async function forgetFeatures(tx: Transaction, projectId: string): Promise<void> {
  const home = tx.projectId;
  await tx.enter(projectId);
  for (const table of ['catalog', 'packing', 'materialization', 'online_view', 'build', 'pushed', 'definition']) {
    await tx.sql.query(`delete from features.${table} where project_id = $1`, [projectId], `forget_feature_${table}s`);
  }
  await tx.enter(home);
}
