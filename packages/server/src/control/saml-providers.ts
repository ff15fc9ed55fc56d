/** Reads the configuration of SAML providers, with their certificates. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { DaisError, type ConfigSpec, type Issue } from '@dais/api';
import { isLoopbackIssuer } from '#policy/oidc/provider-settings.ts';
import type { SamlSettings } from '#policy/saml/saml-settings.ts';

type Authentication = Pick<ConfigSpec['authentication'], 'providers' | 'saml'>;

/** @throws DaisError `invalid_config` with all errors. */
export async function readSamlProviders({ providers, saml }: Authentication): Promise<readonly SamlSettings[]> {
  const issues: Issue[] = [];
  const settings = await Promise.all(
    saml.map(async (provider, at): Promise<SamlSettings> => {
      const path = `spec.authentication.saml[${at}]`;
      const { name, signInUrl, certificateFiles, entityId } = provider;
      const isTaken =
        providers.some((other) => other.name === name) || saml.findIndex((other) => other.name === name) !== at;
      if (isTaken)
        issues.push({ path: `${path}.name`, message: `is "${name}", which is the name of another provider` });
      if (saml.findIndex((other) => other.entityId === entityId) !== at)
        issues.push({ path: `${path}.entityId`, message: 'is the entity id of another provider' });
      if (!signInUrl.startsWith('https:') && !isLoopbackIssuer(signInUrl))
        issues.push({ path: `${path}.signInUrl`, message: 'does not use HTTPS', expected: 'https://…' });
      const certificates = await Promise.all(
        certificateFiles.map(
          async (file, index) => await readCertificate(file, `${path}.certificateFiles[${index}]`, issues),
        ),
      );
      const { subjectAttribute: subject, emailAttribute, displayNameAttribute, groupsAttribute, ...others } = provider;
      return {
        ...others,
        certificates: certificates.flatMap((one) => one ?? []),
        attributes: { subject, email: emailAttribute, displayName: displayNameAttribute, groups: groupsAttribute },
      };
    }),
  );
  if (issues.length === 0) return settings;
  const problems = issues.map(({ path, message }) => `${path} ${message}`).join('; ');
  throw new DaisError('invalid_config', `The identity providers cannot be used: ${problems}.`, { issues });
}

async function readCertificate(file: string, path: string, issues: Issue[]): Promise<string | undefined> {
  try {
    return new X509Certificate(await readFile(file)).toString();
  } catch (error) {
    const { code = 'error' } = error as NodeJS.ErrnoException;
    const reason = code.startsWith('ERR_OSSL') ? 'contains no certificate in PEM' : `cannot be read (${code})`;
    issues.push({ path, message: `(${file}) ${reason}` });
    return undefined;
  }
}
