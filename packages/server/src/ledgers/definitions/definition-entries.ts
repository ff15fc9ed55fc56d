import {
  deleteDefinitionOperation,
  listDefinitionsOperation,
  putDefinitionOperation,
  readDefinitionOperation,
} from '@dais/api/data';
import type { OperationEntry } from '#kernel/dispatch.ts';
import type { KindRegistry } from '#kernel/registry.ts';
import { deleteDefinition, listDefinitions, putDefinition, readDefinition, type PutInput } from './definitions.ts';
import type { Call } from '#kernel/dispatch.ts';

export interface DefinitionParts {
  /** Milliseconds since the Unix epoch. */
  readonly now: () => number;
  /** Asked for with the first manifest: the kinds are composed with what this is a part of. */
  readonly kinds: () => KindRegistry;
}

export function definitionEntries({ now, kinds }: DefinitionParts): readonly OperationEntry[] {
  return [
    {
      operation: putDefinitionOperation,
      handle: async (tx, call: Call<PutInput>) => await putDefinition(tx, call, kinds, now()),
    },
    { operation: readDefinitionOperation, handle: readDefinition },
    { operation: listDefinitionsOperation, handle: listDefinitions },
    { operation: deleteDefinitionOperation, handle: deleteDefinition },
  ];
}
