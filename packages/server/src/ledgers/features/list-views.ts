import {
  featureServiceSpec,
  featureViewSpec,
  type FeatureViewSource,
  type FeatureViewState,
  type listFeatureViewStatesOperation,
} from '@dais/api/data';
import type { CallOf } from '#kernel/entry.ts';
import { cutPage, decodePageCursor } from '#kernel/page-cursor.ts';
import { listResources } from '#kernel/store.ts';
import type { Transaction } from '#kernel/transaction.ts';
import { formatMoment } from './values/moment.ts';

/** Lists views with their freshness. Only the first thousand services are read. */
export async function listViews(tx: Transaction, { input, rows: seen }: CallOf<typeof listFeatureViewStatesOperation>) {
  const filter = ['feature views'];
  const all = { projectId: tx.projectId, equal: {}, notEqual: [], present: [], absent: [] };
  const views = await listResources(tx.sql, {
    ...all,
    kind: 'FeatureView',
    after: decodePageCursor(filter, input.cursor) ?? '',
    limit: input.limit + 1,
    rows: seen,
  });
  const services = await listResources(tx.sql, { ...all, kind: 'FeatureService', after: '', limit: 1000 });
  const takers = services.map(({ name, spec }) => ({
    name,
    views: new Set(featureServiceSpec.parse(spec).features.map(({ view }) => view)),
  }));
  const online = await tx.sql.query<{
    view: string;
    materialized_to: bigint | null;
    materialized_at: Date | null;
    entities: bigint;
  }>(
    'select view, materialized_to, materialized_at, entities from features.online_view where view = any($1::uuid[])',
    [views.map(({ uid }) => uid)],
    'read_online_views',
  );
  const { page, next } = cutPage(views, input.limit, filter, ({ name }) => name);
  const items = page.map(({ uid, name, spec: authored }): FeatureViewState => {
    const spec = featureViewSpec.parse(authored);
    const state = online.find(({ view }) => view === uid);
    return {
      name,
      entities: spec.entities,
      source: sourceText(spec.source),
      features: spec.features.map((feature) => ({ name: feature.name, type: feature.type })),
      ttl: spec.ttl,
      online: spec.online,
      onlineEntities: Number(state?.entities ?? 0),
      ...(state?.materialized_to != null && { materializedTo: formatMoment(Number(state.materialized_to)) }),
      ...(state?.materialized_at != null && { materializedAt: state.materialized_at.toISOString() }),
      services: takers.filter(({ views: taken }) => taken.has(name)).map((one) => one.name),
    };
  });
  return { items, ...next };
}

function sourceText(source: FeatureViewSource): string {
  if (source.type === 'dataset') return `dataset ${source.dataset}`;
  return source.type === 'onDemand' ? 'on demand' : source.type;
}
