import { describe, expect, test } from 'vitest';
import { readApiError, statusError, type FailedRequest } from './api-error.ts';
import { classifyFailure, conflictingManagers } from './classify-failure.ts';
import { describeConnectionError } from './connection-error.ts';
import { CredentialError } from './exec-credential.ts';

const request: FailedRequest = {
  verb: 'patch',
  target: { group: 'batch', version: 'v1', resource: 'jobs', namespace: 'training', name: 'j1' },
  path: '/apis/batch/v1/namespaces/training/jobs/j1',
};

interface StatusFields {
  readonly reason?: string;
  readonly details?: object;
}

function apiError(code: number, message: string, { reason = '', details = {} }: StatusFields = {}) {
  return readApiError(code, JSON.stringify({ kind: 'Status', code, reason, message, details }), undefined, request);
}

const rbac =
  'jobs.batch "j1" is forbidden: User "system:serviceaccount:dais:dais" cannot create resource "jobs" in API group "batch" in the namespace "training"';
const quota = 'pods "p" is forbidden: exceeded quota: q, requested: pods=1, used: pods=10, limited: pods=10';
const webhook =
  'Internal error occurred: failed calling webhook "v.example": failed to call webhook: Post "https://v.svc": context deadline exceeded';

describe('the kind of a failure', () => {
  test.each([
    [
      404,
      'jobs.batch "j1" not found',
      { reason: 'NotFound', details: { name: 'j1', kind: 'jobs' } },
      'not-found',
      false,
    ],
    [404, 'the server could not find the requested resource', { reason: 'NotFound' }, 'unknown-type', false],
    [409, 'jobs.batch "j1" already exists', { reason: 'AlreadyExists' }, 'already-exists', false],
    [409, 'the object has been modified', { reason: 'Conflict' }, 'conflict', false],
    [
      409,
      'the object has been modified',
      { reason: 'Conflict', details: { kind: 'resourcequotas' } },
      'unavailable',
      true,
    ],
    [410, 'The provided continue parameter is too old', { reason: 'Expired' }, 'expired', false],
    [403, rbac, { reason: 'Forbidden' }, 'forbidden', false],
    [403, quota, { reason: 'Forbidden' }, 'quota', true],
    [403, 'pods "p" is forbidden: violates PodSecurity "restricted:latest": hostPath', {}, 'denied', false],
    [403, 'pods "p" is forbidden: error looking up service account a/default: not found', {}, 'unavailable', true],
    [403, 'admission webhook "v.example" denied the request: no', {}, 'denied', false],
    [400, 'admission webhook "v.example" denied the request without explanation', {}, 'denied', false],
    [422, `ValidatingAdmissionPolicy 'p' with binding 'b' denied request: no`, {}, 'denied', false],
    [500, 'admission webhook "v.example" denied the request: database is down', {}, 'webhook', true],
    [500, webhook, { reason: 'InternalError' }, 'webhook', true],
    [500, 'failed to create typed patch object: .spec.x: field not declared in schema', {}, 'unknown-field', false],
    [
      400,
      'Job in version "v1" cannot be handled: strict decoding error: unknown field "spec.x"',
      {},
      'unknown-field',
      false,
    ],
    [500, 'etcdserver: leader changed', { reason: 'InternalError' }, 'unavailable', true],
    [504, 'the server was unable to return a response in time', { reason: 'Timeout' }, 'unavailable', true],
    [429, 'too many requests', { details: { retryAfterSeconds: 7 } }, 'throttled', true],
    [422, 'Job.batch "j1" is invalid: spec.template: field is immutable', { reason: 'Invalid' }, 'invalid', false],
    [401, 'Unauthorized', { reason: 'Unauthorized' }, 'unauthenticated', false],
    [413, 'Request entity too large', {}, 'invalid', false],
  ])('%i %s', (code, message, fields, kind, isRetryable) => {
    expect(classifyFailure(apiError(code, message, fields))).toMatchObject({ kind, isRetryable });
  });

  test('of errors of other modules is undefined', () => {
    expect(classifyFailure(new TypeError('x'))).toBeUndefined();
    expect(classifyFailure(undefined)).toBeUndefined();
  });

  test('of credentials is unauthenticated', () => {
    const error = new CredentialError('The credential program `aws` ended with code 1.', { isRetryable: true });
    expect(classifyFailure(error)).toEqual({ kind: 'unauthenticated', isRetryable: true, message: error.message });
  });
});

describe('the message', () => {
  const messageOf = (error: unknown) => classifyFailure(error)?.message;

  test('of a missing permission names the rule to add', () => {
    expect(messageOf(apiError(403, rbac))).toMatchInlineSnapshot(
      `"The cluster does not permit \`system:serviceaccount:dais:dais\` to create jobs in namespace \`training\`. Add the rule {apiGroups: ["batch"], resources: ["jobs"], verbs: ["create"]} to a Role in namespace \`training\`, and bind it to this user."`,
    );
    const path = { verb: 'get', path: '/metrics' };
    const body = JSON.stringify({ kind: 'Status', message: 'forbidden: User "u" cannot get path "/metrics"' });
    expect(messageOf(readApiError(403, body, undefined, path))).toContain(
      '{nonResourceURLs: ["/metrics"], verbs: ["get"]}',
    );
    const log: FailedRequest = {
      verb: 'get',
      target: { version: 'v1', resource: 'pods', subresource: 'log' },
      path: '/api/v1/pods/p/log',
    };
    const text = 'pods "p" is forbidden: User "u" cannot get resource "pods/log" in API group ""';
    const sentence = messageOf(readApiError(403, JSON.stringify({ kind: 'Status', message: text }), undefined, log));
    expect(sentence).toContain('{apiGroups: [""], resources: ["pods/log"], verbs: ["get"]} to a ClusterRole');
  });

  test('of a conflict names the other managers', () => {
    const causes = ['"kubectl" using v1', '"helm" with subresource "scale" using v1', '"kubectl" using v1'].map(
      (one) => ({
        reason: 'FieldManagerConflict',
        message: `conflict with ${one}`,
        field: '.spec.replicas',
      }),
    );
    const error = apiError(409, 'Apply failed with 3 conflicts', { reason: 'Conflict', details: { causes } });
    expect(conflictingManagers(error)).toEqual(['kubectl', 'helm']);
    expect(messageOf(error)).toContain('`kubectl`, `helm` manages fields that Dais sets');
  });

  test('of a response without a Status is its first line', () => {
    const error = readApiError(502, '\n<html>Bad gateway\n</html>', '3', request);
    expect(classifyFailure(error)).toMatchObject({ kind: 'unavailable', retryAfterMs: 3000 });
    expect(messageOf(error)).toMatch(/\(502\)\. A retry can succeed\. <html>Bad gateway\.$/);
    expect(readApiError(500, '', undefined, request).message).toBe('The response with status 500 has no body.');
    expect(readApiError(500, '[1]', 'Wed, 21 Oct 2026', request).retryAfterMs).toBeUndefined();
  });

  test('of an event survives a Status with wrong types', () => {
    const error = statusError({ kind: 'Status', code: 'x', reason: 1, details: { causes: [null, 3] } }, request);
    expect(error).toMatchObject({ status: 500, reason: '', causes: [{}, {}] });
  });
});

describe('network and TLS errors', () => {
  const failed = (code: string, fields: object = {}) =>
    describeConnectionError(Object.assign(new Error('x'), { code, ...fields }), 'https://api:6443');

  test.each([
    ['ECONNREFUSED', 'unreachable', 'refuses the connection'],
    ['ENOTFOUND', 'unreachable', 'unknown host name'],
    ['ECONNRESET', 'closed', 'closed the connection'],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', 'certificate-untrusted', 'certificate-authority-data'],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', 'certificate-untrusted', 'unknown authority'],
    ['CERT_HAS_EXPIRED', 'certificate-expired', 'Renew the certificate of the API server'],
    ['CERT_NOT_YET_VALID', 'certificate-expired', 'Check the clocks'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'client-certificate', 'rejects the client certificate'],
    ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'client-certificate', 'rejects the client certificate'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', 'tls', 'does not speak TLS'],
    ['ERR_OSSL_X509_KEY_VALUES_MISMATCH', 'tls', 'the TLS handshake failed'],
    ['toString', 'unreachable', 'cannot be called (toString)'],
  ])('%s', (code, problem, text) => {
    const error = failed(code);
    expect(error.problem).toBe(problem);
    expect(error.message).toContain(`The API server https://api:6443 `);
    expect(error.message).toContain(text);
  });

  test('name the names of a certificate for another host', () => {
    const error = failed('ERR_TLS_CERT_ALTNAME_INVALID', { cert: { subjectaltname: 'DNS:kubernetes' } });
    expect(error.message).toContain('for other names (DNS:kubernetes)');
    expect(classifyFailure(error)).toMatchObject({ kind: 'tls', isRetryable: false });
  });

  test('find the error inside of others', () => {
    const inner = Object.assign(new Error('x'), { code: 'ECONNREFUSED' });
    const error = describeConnectionError(new AggregateError([inner]), 'https://api:6443');
    expect(classifyFailure(error)).toMatchObject({ kind: 'connection', isRetryable: true });
    expect(error.problem).toBe('unreachable');
    expect(describeConnectionError(new Error('Proxy response (407) !== 200'), 'https://api').problem).toBe('proxy');
  });
});
