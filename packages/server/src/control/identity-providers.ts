/** The identity providers of a configuration, ready to be used: their secrets read, their addresses checked. */
import { readFile } from 'node:fs/promises';
import { DaisError, type ConfigSpec, type Issue } from '@dais/api';
import { isLoopbackIssuer, type ProviderSettings } from '#policy/oidc/provider-settings.ts';

type Configured = ConfigSpec['authentication']['providers'][number];

/** @throws DaisError `invalid_config` with all errors. */
export async function readProviders(configured: readonly Configured[]): Promise<readonly ProviderSettings[]> {
  const issues: Issue[] = [];
  const settings = await Promise.all(
    configured.map(async (provider, at): Promise<ProviderSettings> => {
      const path = `spec.authentication.providers[${at}]`;
      const { name, issuer, clientSecretFile, ...others } = provider;
      if (configured.findIndex((other) => other.name === name) !== at) {
        issues.push({ path: `${path}.name`, message: `is "${name}", which is the name of another provider` });
      }
      if (!issuer.startsWith('https:') && !isLoopbackIssuer(issuer)) {
        issues.push({ path: `${path}.issuer`, message: 'does not use HTTPS', expected: 'https://…' });
      }
      if (clientSecretFile !== undefined && others.clientSecret !== undefined) {
        issues.push({ path: `${path}.clientSecretFile`, message: 'cannot be combined with `clientSecret`', expected: 'one' });
      }
      const clientSecret =
        clientSecretFile === undefined ? others.clientSecret : await readSecret(clientSecretFile, path, issues);
      return { ...others, name, issuer, clientSecret };
    }),
  );
  if (issues.length === 0) return settings;
  const faults = issues.map(({ path, message }) => `${path} ${message}`).join('; ');
  throw new DaisError('invalid_config', `The identity providers cannot be used: ${faults}.`, { issues });
}

async function readSecret(file: string, path: string, issues: Issue[]): Promise<string | undefined> {
  try {
    const secret = (await readFile(file, 'utf8')).trim();
    if (secret !== '') return secret;
    issues.push({ path: `${path}.clientSecretFile`, message: `(${file}) is empty` });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'error';
    issues.push({ path: `${path}.clientSecretFile`, message: `(${file}) cannot be read (${code})` });
  }
  return undefined;
}
