import {
  deleteDefinitionOperation,
  listDefinitionsOperation,
  putDefinitionOperation,
  readDefinitionOperation,
} from '@dais/api/data';
import { entry, type OperationEntry } from '#kernel/entry.ts';
import type { KindRegistry } from '#kernel/registry.ts';
import { deleteDefinition, listDefinitions, putDefinition, readDefinition } from './definitions.ts';

export interface DefinitionParts {
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Returns the kinds. A function, because they are composed after this ledger. */
  readonly kinds: () => KindRegistry;
}

export function definitionEntries({ now, kinds }: DefinitionParts): readonly OperationEntry[] {
  return [
    entry(putDefinitionOperation, async (tx, call) => await putDefinition(tx, call, kinds, now())),
    entry(readDefinitionOperation, readDefinition),
    entry(listDefinitionsOperation, listDefinitions),
    entry(deleteDefinitionOperation, deleteDefinition),
  ];
}
