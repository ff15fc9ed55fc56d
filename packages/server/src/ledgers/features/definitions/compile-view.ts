import { durationMicroseconds, entitySpec, featureViewSpec, parseExpression, type KeyType } from '@dais/api/data';
import type { ResourceRow } from '#kernel/store.ts';
import type { CompiledView } from './compiled.ts';

/** Compiles a view. `entities`: its entities by name. A missing entity is being deleted; its key is a string with its name. */
export function compileView(row: ResourceRow, entities: ReadonlyMap<string, ResourceRow>): CompiledView {
  const spec = featureViewSpec.parse(row.spec);
  const nameIn = (ours: string) =>
    spec.columns !== undefined && Object.hasOwn(spec.columns, ours) ? (spec.columns[ours] ?? ours) : ours;
  const keys = spec.entities.map((entity) => {
    const { joinKey, type } = joinKeyOf(entity, entities.get(entity));
    return { name: joinKey, type, column: nameIn(joinKey) };
  });
  const features = spec.features.map(({ name, type, expression }) => {
    const parsed = expression === undefined ? undefined : parseExpression(expression);
    return { name, type, column: nameIn(name), expression: parsed?.ok === true ? parsed.expression : undefined };
  });
  return {
    uid: row.uid,
    name: row.name,
    generation: Number(row.generation),
    source: spec.source,
    keys: keys.toSorted((one, other) => (one.name < other.name ? -1 : 1)),
    features,
    eventTime: spec.eventTime,
    createdTime: spec.createdTime,
    ttlUs: durationMicroseconds(spec.ttl),
    online: spec.online,
  };
}

function joinKeyOf(name: string, row: ResourceRow | undefined): { joinKey: string; type: KeyType } {
  const { joinKey = name, type } = entitySpec.parse(row?.spec ?? {});
  return { joinKey, type };
}
