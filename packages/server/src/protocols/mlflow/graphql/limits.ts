/** Limits on queries, because one request can select the same records many times. The same as in MLflow. */
import { Kind, type DocumentNode, type FieldNode, type FragmentDefinitionNode, type SelectionSetNode } from 'graphql';

const MOST = { rootFields: 10, aliases: 10, depth: 10, selections: 1000 } as const;

/** Fragments by name. */
type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

/** Returns why a query is refused, or undefined. */
export function excessOf(document: DocumentNode): string | undefined {
  const fragments = new Map(
    document.definitions.flatMap((one) => (one.kind === Kind.FRAGMENT_DEFINITION ? [[one.name.value, one]] : [])),
  );
  let [rootFields, selections, aliases] = [0, 0, 0];
  for (const definition of document.definitions) {
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    const levels: { readonly set: SelectionSetNode; readonly depth: number }[] = [
      { set: definition.selectionSet, depth: 1 },
    ];
    for (let level = levels.pop(); level !== undefined; level = levels.pop()) {
      const { set, depth } = level;
      if (depth > MOST.depth) return `Query exceeds maximum depth of ${MOST.depth}`;
      const fields = fieldsOf(set, fragments);
      selections += fields.length;
      if (selections > MOST.selections) return `Query exceeds maximum total selections of ${MOST.selections}`;
      if (depth === 1) rootFields += fields.length;
      aliases = Math.max(aliases, fields.filter(({ alias }) => alias !== undefined).length);
      for (const { selectionSet } of fields) {
        if (selectionSet !== undefined) levels.push({ set: selectionSet, depth: depth + 1 });
      }
    }
  }
  if (rootFields > MOST.rootFields) return tooMany(MOST.rootFields, 'root fields', rootFields);
  return aliases > MOST.aliases ? tooMany(MOST.aliases, 'aliases', aliases) : undefined;
}

function tooMany(most: number, what: string, given: number): string {
  return `GraphQL queries should have at most ${most} ${what}, got ${given} ${what}. Split the query.`;
}

/** The fields of one level, with those of its fragments. A fragment counts once in a level. */
function fieldsOf(set: SelectionSetNode, fragments: Fragments): FieldNode[] {
  const fields: FieldNode[] = [];
  const seen = new Set<string>();
  const sets = [set];
  for (let one = sets.pop(); one !== undefined; one = sets.pop()) {
    for (const selection of one.selections) {
      if (selection.kind === Kind.FIELD) fields.push(selection);
      else if (selection.kind === Kind.INLINE_FRAGMENT) sets.push(selection.selectionSet);
      else if (!seen.has(selection.name.value)) {
        seen.add(selection.name.value);
        const fragment = fragments.get(selection.name.value);
        if (fragment !== undefined) sets.push(fragment.selectionSet);
      }
      // A level with more fields is refused anyway.
      if (fields.length > MOST.selections) return fields;
    }
  }
  return fields;
}
