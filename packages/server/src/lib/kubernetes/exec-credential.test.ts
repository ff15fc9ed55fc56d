import { beforeAll, describe, expect, test } from 'vitest';
import { makeCertificates, type TestCertificates } from '#lib/crypto/certificates.testing.ts';
import type { ExecPlugin } from './cluster-config.ts';
import { CredentialError, execInfo, parseExecCredential } from './exec-credential.ts';

const apiVersion = 'client.authentication.k8s.io/v1';
const plugin: ExecPlugin = { command: 'aws', args: [], variables: {}, apiVersion, clusterInfo: undefined };
const now = Date.parse('2026-12-01T10:00:00Z');
let tls: TestCertificates;
beforeAll(async () => {
  tls = await makeCertificates();
});

function output(status: unknown, fields: object = {}): string {
  return JSON.stringify({ kind: 'ExecCredential', apiVersion, status, ...fields });
}

describe('the output of a credential program', () => {
  test('is a token with its expiry', () => {
    const text = output({ token: 'k8s-aws-v1.abc', expirationTimestamp: '2026-12-01T10:14:00Z' });
    const expected = { authorization: { token: 'k8s-aws-v1.abc' }, expiresAt: now + 14 * 60_000 };
    expect(parseExecCredential(text, plugin, now)).toEqual(expected);
    expect(parseExecCredential(output({ token: 't' }), plugin, now)).toEqual({ authorization: { token: 't' } });
  });

  test('is a client certificate with its key', () => {
    const status = { clientCertificateData: tls.cert, clientKeyData: tls.key };
    const { authorization } = parseExecCredential(output(status), plugin, now);
    expect(authorization).toEqual({ certificate: { cert: tls.cert, key: tls.key } });
  });

  test.each([
    ['secret not JSON', 'returned no ExecCredential'],
    ['null', 'returned no ExecCredential'],
    [output({ token: 't' }, { apiVersion: 'v1' }), 'returned the apiVersion "v1" instead of'],
    [output({}), 'returned neither a token nor a certificate'],
    [output(undefined), 'returned neither a token nor a certificate'],
    [output({ token: 'secret\nx' }), 'that a header cannot contain'],
    [output({ token: 't', expirationTimestamp: 'soon' }), 'is not a time'],
    [output({ token: 't', expirationTimestamp: '2026-12-01T09:59:59Z' }), 'check the clock of this machine'],
    [output({ clientCertificateData: 'x' }), 'without its key'],
    [output({ clientCertificateData: 'secret', clientKeyData: 'secret' }), 'cannot be used together'],
  ])('%s is refused', (text, expected) => {
    const parse = () => parseExecCredential(text, plugin, now);
    expect(parse).toThrow(CredentialError);
    expect(parse).toThrow(expected);
    expect(parse).not.toThrow('secret');
  });
});

test('a credential program receives the cluster only if the kubeconfig provides it', () => {
  expect(JSON.parse(execInfo(plugin))).toEqual({ kind: 'ExecCredential', apiVersion, spec: { interactive: false } });
  const spec = { interactive: false, cluster: { server: 'https://api' } };
  expect(JSON.parse(execInfo({ ...plugin, clusterInfo: { server: 'https://api' } }))).toMatchObject({ spec });
});
