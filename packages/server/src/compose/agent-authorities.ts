/** The certificate authorities that the agents of a target trust in addition to the public ones. */
import { X509Certificate } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { DaisError } from '@dais/api';
import type { ResolvedConfig } from '#config-load.ts';
import type { FoundTarget } from '#control/target-registry.ts';

/** The text is in the manifest of each pod. */
const MAX_CHARACTERS = 32_768;

/** Returns them in PEM format, without the text around them. @throws DaisError `target_unavailable` that names the entry to change */
export async function readAgentAuthorities(
  { name, spec }: Pick<FoundTarget, 'name' | 'spec'>,
  { executions }: Pick<ResolvedConfig, 'executions'>,
): Promise<string | undefined> {
  const fail = (detail: string, cause?: unknown) =>
    new DaisError('target_unavailable', `The agents of the target "${name}" cannot trust Dais: ${detail}`, { cause });
  const own = spec.agent?.ca;
  if (own !== undefined) return readCertificates(own, (detail, cause) => fail(`\`spec.agent.ca\` ${detail}`, cause));
  const file = executions.agentCa;
  if (file === undefined) return undefined;
  const failFile = (detail: string, cause?: unknown) =>
    fail(`the file ${file} of \`executions.agentCa\` ${detail}`, cause);
  const text = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw failFile(`cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`, cause);
  });
  return readCertificates(text, failFile);
}

function readCertificates(text: string, fail: (detail: string, cause?: unknown) => DaisError): string {
  const certificates = text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  if (certificates.length === 0) throw fail('contains no certificate in PEM format.');
  const joined = certificates
    .map((certificate) => {
      try {
        return new X509Certificate(certificate).toString();
      } catch (cause) {
        throw fail('contains a certificate that cannot be read.', cause);
      }
    })
    .join('');
  if (joined.length <= MAX_CHARACTERS) return joined;
  throw fail(
    `contains ${certificates.length} certificates with ${joined.length} characters, and the limit is ${MAX_CHARACTERS}: keep only the authorities of the certificate of Dais.`,
  );
}
