/** The environment without packages: the programs of the machine. Nothing is built or stored. */
import { createHash } from 'node:crypto';
import type { BuiltEnvironment, EnvironmentLock } from './contract.ts';

const TEXT = '# Dais environment, format 1\n# the programs of the machine\n';
const DIGEST = createHash('sha256').update(TEXT).digest('hex');

export const systemLock: EnvironmentLock = { digest: DIGEST, spec: { type: 'system' }, text: TEXT };

export function isSystemLock({ digest }: EnvironmentLock): boolean {
  return digest === DIGEST;
}

export function systemEnvironment(): BuiltEnvironment {
  return { digest: DIGEST, folders: [], path: [], variables: {}, release: async () => {} };
}
