import { expect, test } from 'vitest';
import { imageProblem } from './image-problem.ts';

const resolve =
  'failed to pull and unpack image "registry.example/a:1": failed to resolve reference "registry.example/a:1": ';

test.each([
  ['denied', `rpc error: code = NotFound desc = ${resolve}registry.example/a:1: not found`],
  ['denied', 'manifest for registry.example/a:1 not found: manifest unknown: manifest unknown'],
  [
    'denied',
    `${resolve}unexpected status from HEAD request to https://registry.example/v2/a/manifests/1: 401 Unauthorized`,
  ],
  ['denied', `${resolve}failed to authorize: failed to fetch oauth token: unexpected status: 403 Forbidden`],
  [
    'denied',
    'pull access denied, repository does not exist or may require authorization: server message: insufficient_scope',
  ],
  ['denied', 'no match for platform in manifest: not found'],
  [
    'unavailable',
    `${resolve}unexpected status from HEAD request to https://registry.example/v2/a/manifests/1: 429 Too Many Requests`,
  ],
  ['unavailable', 'toomanyrequests: You have reached your pull rate limit'],
  [
    'unavailable',
    `${resolve}unexpected status from GET request to https://registry.example/v2/404/a: 503 Service Unavailable`,
  ],
  [
    'unavailable',
    `${resolve}failed to do request: Head "https://registry.example/v2/404": dial tcp 10.0.0.1:443: i/o timeout`,
  ],
  [
    'unavailable',
    `${resolve}failed to do request: Head "https://r": tls: failed to verify certificate: x509: certificate signed by unknown authority`,
  ],
  [
    'unavailable',
    `${resolve}failed to do request: Head "https://r": dial tcp: lookup registry.example on 10.96.0.10:53: no such host`,
  ],
  ['unavailable', 'failed to copy: read tcp 10.1.1.1:5000: connection reset by peer'],
  ['unknown', 'Back-off pulling image "registry.example/401/not-found:429"'],
])('%s: %s', (expected, message) => {
  expect(imageProblem({ reason: 'ErrImagePull', message })).toEqual({ class: expected, message });
});

test('reasons of kubelet decide without a message, and other reasons are no problem of an image', () => {
  expect(imageProblem({ reason: 'SignatureValidationFailed' })).toEqual({
    class: 'denied',
    message: 'SignatureValidationFailed',
  });
  expect(imageProblem({ reason: 'ErrImageNeverPull' })?.class).toBe('denied');
  expect(imageProblem({ reason: 'RegistryUnavailable' })?.class).toBe('unavailable');
  expect(imageProblem({ reason: 'ContainerCreating' })).toBeUndefined();
  expect(imageProblem({})).toBeUndefined();
});
