import { userKind } from '@dais/api';
import type { KindDefinition } from '#kernel/kind.ts';
import { admitUser, type UserCredentials } from './user-admission.ts';

export function user(credentials: UserCredentials): KindDefinition {
  return { spec: userKind, admit: async (tx, change) => await admitUser(tx, change, credentials) };
}
