import { secretKind } from '@dais/api/access';
import type { KeyStore } from '#engines/keys/contract.ts';
import { kindActions, type OperationEntry } from '#kernel/entry.ts';
import type { JobHandler } from '#kernel/job-runner.ts';
import type { KindDefinition } from '#kernel/kind.ts';
import type { KeyRotation } from '#ledgers/ledger.ts';
import { keyEntries } from './key-entries.ts';
import { admitSecret } from './secret-admission.ts';
import { Fingerprints } from './secret-fingerprints.ts';
import { rewrapHandler, rotateOne } from './secret-rotation.ts';
import { secretSlice } from './secret-slice.ts';

export { findSecretValue, openSecretValue } from './secret-values.ts';
export type { SealedValue, SecretValueRef } from './secret-values.ts';

export interface SecretDefinitions {
  readonly kind: KindDefinition;
  readonly jobs: readonly JobHandler[];
  readonly entries: readonly OperationEntry[];
}

/** Values that must not be read back, sealed under the keys of `keys` before they reach the database. */
export function secret(keys: KeyStore, others: readonly KeyRotation[] = []): SecretDefinitions {
  const prints = new Fingerprints(keys);
  return {
    kind: {
      spec: secretKind,
      slice: secretSlice,
      admit: async (tx, change) => await admitSecret(tx, change, keys, prints),
      actions: kindActions(secretKind, { rotate: async (tx, call) => await rotateOne(tx, call, keys) }),
    },
    jobs: [rewrapHandler(keys, prints)],
    entries: keyEntries(keys, others),
  };
}
