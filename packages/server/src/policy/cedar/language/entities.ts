import { recordOf, uidOf, type EntityJson } from './cedar-json.ts';
import { NO_ATTRIBUTES, type Entity } from './values.ts';

/** Entities of Cedar's JSON form, with ancestors closed over. @throws UnknownConstruct, EvaluationError */
export function entitiesOf(json: readonly EntityJson[]): Map<string, Entity> {
  const parents = new Map(json.map(({ uid, parents: above }) => [uidOf(uid).key, above.map((one) => uidOf(one).key)]));
  return new Map(
    json.map(({ uid, attrs, tags }) => {
      const { key } = uidOf(uid);
      const entity: Entity = {
        attributes: recordOf(attrs),
        tags: tags === undefined ? NO_ATTRIBUTES : recordOf(tags),
        ancestors: closure(key, parents),
      };
      return [key, entity];
    }),
  );
}

/** Every key above `of`, however far. */
export function closure(of: string, parents: ReadonlyMap<string, readonly string[]>): ReadonlySet<string> {
  const found = new Set<string>();
  const waiting = [...(parents.get(of) ?? [])];
  for (;;) {
    const next = waiting.pop();
    if (next === undefined) return found;
    if (found.has(next)) continue;
    found.add(next);
    waiting.push(...(parents.get(next) ?? []));
  }
}
