/** Builds dataset versions from features: entity rows of another version, each with the features at its event time. */
import { DaisError, eventTypes } from '@dais/api';
import type { buildFeaturesOperation, FeatureBuild } from '@dais/api/data';
import { column, scan } from '#engines/query/model/build.ts';
import type { Relation } from '#engines/query/model/query-tree.ts';
import type { CallOf } from '#kernel/entry.ts';
import { JobFailed, type JobHandler, type JobIo } from '#kernel/job-runner.ts';
import type { JobClaim } from '#kernel/jobs.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { canonicalJson } from '#lib/formats/canonical-json.ts';
import { uuidv7 } from '#lib/ids.ts';
import { authorizeSelection } from '../definitions/authorize-selection.ts';
import type { CompiledView, Selection } from '../definitions/compiled.ts';
import { loadSelection } from '../definitions/load-selection.ts';
import type { SensitiveColumn } from '#ledgers/data/index.ts';
import type { FeatureDependencies, SourceVersion } from '../features-dependencies.ts';
import { noteSelection } from '../lineage-nodes.ts';
import { BUILD_QUEUE } from '../materialize/materialization-rows.ts';
import { outputNames } from '../definitions/output-names.ts';
import { presentBuild, readBuild, type BuildRequest, type BuildRow, type BuildVersions } from './build-rows.ts';
import { generateEntityRows, historyPlan, type EntityRows } from './history-plan.ts';
import { isUnique, rangeOf, requireTimes } from './read-history.ts';
import { resolveSources } from './resolve-sources.ts';
import { datasetsOf, referenceOf } from './source-relation.ts';

const ENTITIES = 'entities';
const USUAL_TIME = 'event_timestamp';

/** Starts a build. All validation happens here, before the job. */
export async function startBuild(
  tx: Transaction,
  call: CallOf<typeof buildFeaturesOperation>,
  dependencies: FeatureDependencies,
): Promise<FeatureBuild> {
  const { input, tenant, context } = call;
  const selection = await loadSelection(tx, input);
  await authorizeSelection(call, selection, 'featureView:build');
  await call.authorize({ kind: 'Dataset', name: input.to }, tenant, 'dataset:write');
  const sources = await resolveSources(tx, dependencies, selection.stored);
  if (input.entities !== undefined) {
    await call.authorize({ kind: 'Dataset', name: input.entities.split('@')[0] ?? '' }, tenant, 'dataset:read');
  }
  const entities = input.entities === undefined ? undefined : await dependencies.sources.resolve(tx, input.entities);
  planOf(selection, input, entities, sources);
  const versions: BuildVersions = {
    sources: Object.fromEntries([...sources].map(([reference, { id }]) => [reference, id])),
    entities: entities?.id,
    names: [...sources.values()].map(nameOf),
    entitiesName: entities === undefined ? undefined : nameOf(entities),
    features: selection.requested.flatMap(({ as, features }) => features.map(({ name }) => `${as}:${name}`)),
  };
  const id = uuidv7(dependencies.clock.now());
  const { type, id: actor } = context.principal;
  await tx.sql.query(
    `insert into features.build (id, project_id, state, request, dataset, versions, actor_type, actor_id)
     values ($1, $2, 'pending', $3, $4, $5, $6, $7)`,
    [id, tenant.id, JSON.stringify(input), input.to, JSON.stringify(versions), type, actor],
    'start_build',
  );
  tx.enqueue({
    id,
    queue: BUILD_QUEUE,
    projectId: tenant.id,
    payload: { id, dataset: input.to },
    uniqueKey: id,
    maxAttempts: 5,
  });
  return presentBuild(await readBuild(tx, id));
}

const nameOf = ({ dataset, number }: SourceVersion) => `${dataset}@${number}`;

export function buildHandler(dependencies: FeatureDependencies): JobHandler {
  return {
    queue: BUILD_QUEUE,
    concurrency: 2,
    perProject: 1,
    retry: { baseMs: 1000, capMs: 60_000 },
    run: async (job, io) => {
      try {
        await build(dependencies, job, io);
      } catch (error) {
        if (error instanceof DaisError && !error.retryable) throw new JobFailed(error.message);
        throw error;
      }
    },
    ended: async (tx, job, end) => {
      if (end.state === 'succeeded') return;
      await tx.enter(job.projectId);
      const [row] = await tx.sql.query<Pick<BuildRow, 'id' | 'dataset'>>(
        `update features.build set state = $2, error = $3, finished_at = clock_timestamp()
         where id = $1 and state in ('pending', 'running') returning id, dataset`,
        [job.payload['id'], end.state, end.error],
        'fail_build',
      );
      if (row === undefined) return;
      const data = { id: row.id, dataset: row.dataset, error: end.error };
      tx.emit({ type: eventTypes.featureBuildFailed, projectId: job.projectId, data });
    },
  };
}

async function build(dependencies: FeatureDependencies, { payload, projectId }: JobClaim, io: JobIo): Promise<void> {
  const id = String(payload['id']);
  const begun = await io.write(async (tx) => {
    const row = await readBuild(tx, id);
    const selection = await loadSelection(tx, row.request);
    const sources = await resolveSources(tx, dependencies, selection.stored, row.versions.sources);
    const entities =
      row.versions.entities === undefined ? undefined : await dependencies.sources.read(tx, row.versions.entities);
    const sensitive = await inheritedMarks(tx, dependencies, selection, row.request, entities);
    await tx.sql.query(
      `update features.build set state = 'running' where id = $1 and state = 'pending'`,
      [id],
      'run_build',
    );
    return { row, selection, sources, entities, sensitive };
  });
  const { row, selection, sources, entities, sensitive } = begun;
  if (row.state === 'succeeded') return;
  const { query, time } = planOf(selection, row.request, entities, sources);
  const text = canonicalJson(query);
  const versionsOf = (view: CompiledView) =>
    datasetsOf(view).flatMap((dataset) => sources.get(referenceOf(view, dataset)) ?? []);
  const parents = await io.write(async (tx) => noteSelection(tx, selection, versionsOf, dependencies.clock.now()));
  const tables = Object.fromEntries([...sources].map(([reference, { id: version }]) => [reference, { version }]));
  await dependencies.sources.make(
    {
      projectId,
      dataset: row.dataset,
      ensure: {
        origin: 'manifest',
        spec: {
          description: `Point-in-time features${row.request.service === undefined ? '' : ` of ${row.request.service}`}.`,
          eventTime: time,
          ...(sensitive.length > 0 && { sensitive }),
        },
      },
      tables: entities === undefined ? tables : { ...tables, [ENTITIES]: { version: entities.id } },
      query,
      source: { type: 'features' },
      parents,
      message: `Built from ${row.versions.features.length} features${entities === undefined ? '' : ` and ${nameOf(entities)}`}.`,
      by: { type: row.actor_type, id: row.actor_id },
    },
    { ...io, progress: (share) => io.progress({ share }) },
    async (tx, made) => {
      await tx.sql.query(
        `update features.build set state = 'succeeded', version_id = $2, version = $3, rows = $4, query = $5,
           finished_at = clock_timestamp() where id = $1`,
        [id, made.id, made.number, made.rows, text],
        'finish_build',
      );
      const { service } = selection;
      tx.emit({
        type: eventTypes.featuresBuilt,
        projectId,
        ...(service !== undefined && { subject: { kind: 'FeatureService', name: service.name, uid: service.uid } }),
        data: { id, dataset: row.dataset, version: made.number, rows: made.rows, sources: [...row.versions.names] },
      });
    },
  );
}

/** Checks the columns of the entity dataset. @throws DaisError `invalid_request` for a missing key or another type */
function planOf(
  selection: Selection,
  request: BuildRequest,
  entities: SourceVersion | undefined,
  sources: ReadonlyMap<string, SourceVersion>,
): { readonly query: Relation; readonly time: string } {
  requireTimes(request, entities !== undefined);
  const time = request.eventTime ?? entities?.eventTime ?? USUAL_TIME;
  const entityRows =
    entities === undefined
      ? generateEntityRows(selection, { ...rangeOf(request), time })
      : checkEntityDataset(selection, entities, time);
  const plan = historyPlan(selection, entityRows, { ...request, unique: (view) => isUnique(view, sources) });
  // Sort by time, then by all sortable columns that distinguish rows, so that the same versions result in the same bytes.
  const keys = [time, ...entityRows.columns.filter((name) => name !== time)];
  return { query: { type: 'sort', from: plan, by: keys.map((name) => ({ expression: column(name) })) }, time };
}

function checkEntityDataset(selection: Selection, entities: SourceVersion, time: string): EntityRows {
  const types = new Map(entities.columns.map(({ name, type }) => [name, type]));
  const requiredColumns = new Map<string, { readonly type: string; readonly of: string }>();
  for (const { as, view, keys } of selection.stored) {
    for (const { name, type } of view.keys)
      requiredColumns.set(keys.get(name) ?? name, { type, of: `the join key of ${as}` });
  }
  for (const { name, type } of selection.request)
    requiredColumns.set(name, { type, of: 'an input of on-demand features' });
  requiredColumns.set(time, { type: 'timestamp', of: 'the event time of each row' });
  for (const [name, { type, of }] of requiredColumns) {
    const found = types.get(name);
    if (found === undefined) {
      throw new DaisError('invalid_request', `${nameOf(entities)} has no column "${name}", ${of}.`);
    }
    if (family(found) !== family(type)) {
      throw new DaisError(
        'invalid_request',
        `"${name}" of ${nameOf(entities)} is ${found}. As ${of} it must be ${type}.`,
      );
    }
  }
  const columns = entities.columns.map(({ name }) => name);
  return { relation: scan(ENTITIES), columns, time };
}

function family(type: string): string {
  if (/^u?int\d+$/.test(type)) return 'whole';
  if (/^float\d+$|^decimal/.test(type)) return 'number';
  return type === 'date' ? 'timestamp' : type;
}

/** Marks sensitive features as sensitive in the result. */
async function inheritedMarks(
  tx: Transaction,
  dependencies: FeatureDependencies,
  selection: Selection,
  request: BuildRequest,
  entities: SourceVersion | undefined,
): Promise<readonly SensitiveColumn[]> {
  const marks = new Map<string, SensitiveColumn>();
  for (const mark of entities === undefined ? [] : await dependencies.sources.sensitive(tx, entities.dataset))
    marks.set(mark.column, mark);
  for (const { name, from, feature } of outputNames(selection, request.fullNames)) {
    for (const dataset of datasetsOf(from.view)) {
      const existing = await dependencies.sources.sensitive(tx, dataset);
      // The source columns of a feature of an SQL view are unknown.
      const found =
        from.view.source.type === 'sql' ? existing[0] : existing.find((mark) => mark.column === feature.column);
      if (found !== undefined) marks.set(name, { ...found, column: name });
    }
  }
  return [...marks.values()];
}
