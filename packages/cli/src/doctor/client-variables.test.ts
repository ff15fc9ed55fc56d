import { expect, test } from 'vitest';
import { checkClientVariables, type ClientSettings } from '#doctor/client-variables.ts';

const url = 'http://127.0.0.1:7070';
const none = { mlflowCredentials: false, netrc: false };

function check(variables: Record<string, string>, more: Partial<ClientSettings> = {}) {
  return checkClientVariables({ variables, files: none, expected: { url, project: undefined }, url, ...more });
}

const wrong = (variables: Record<string, string>, more?: Partial<ClientSettings>) =>
  check({ MLFLOW_TRACKING_URI: url, ...variables }, more)
    .filter(({ state }) => state !== 'ok')
    .map(({ name, state, remedy }) => [name, state, remedy]);

test.each([
  ['', 'problem', 'eval "$(dais env)" sets it.'],
  ['localhost:7070', 'problem', 'export MLFLOW_TRACKING_URI=http://localhost:7070'],
  ['sqlite:///mlflow.db', 'problem', 'Set it to http://HOST:PORT: eval "$(dais env)" sets it.'],
  ['http://', 'problem', 'Set it to http://HOST:PORT: eval "$(dais env)" sets it.'],
  [`${url}/p/a/api/2.0/mlflow`, 'problem', `export MLFLOW_TRACKING_URI=${url}/p/a`],
  ['http://other:5000', 'warning', 'eval "$(dais env)" sets it. Or name the other one with --url.'],
  [url, 'ok', undefined],
  [`${url}/`, 'ok', undefined],
  [`${url}/p/flights`, 'ok', undefined],
])('MLFLOW_TRACKING_URI=%s', (value, state, remedy) => {
  const [finding] = check({ MLFLOW_TRACKING_URI: value });
  expect({ state: finding?.state, remedy: finding?.remedy }).toEqual({ state, remedy });
});

test('another project than the named one', () => {
  const expected = { url, project: 'a' };
  expect(check({ MLFLOW_TRACKING_URI: `${url}/p/a` }, { expected })[0]?.state).toBe('ok');
  expect(check({ MLFLOW_TRACKING_URI: `${url}/p/b` }, { expected })[0]?.state).toBe('warning');
});

test('a password in the URL is not printed', () => {
  const findings = check({ MLFLOW_TRACKING_URI: 'http://me:secret@other:1' });
  expect(JSON.stringify(findings)).not.toContain('secret');
});

test('correct settings have no finding', () => {
  expect(wrong({})).toEqual([]);
  expect(wrong({ MLFLOW_TRACKING_USERNAME: 'me', MLFLOW_TRACKING_PASSWORD: 'x' })).toEqual([]);
  expect(wrong({ MLFLOW_REGISTRY_URI: `${url}/`, MLFLOW_TRACKING_AWS_SIGV4: 'false', MLFLOW_RUN_ID: '' })).toEqual([]);
});

test('settings that override the URL and the token', () => {
  const login = { MLFLOW_TRACKING_TOKEN: 't', MLFLOW_TRACKING_USERNAME: 'me', MLFLOW_TRACKING_PASSWORD: 'x' };
  expect(wrong({ ...login, MLFLOW_REGISTRY_URI: 'http://other', MLFLOW_RUN_ID: 'a' })).toEqual([
    ['MLFLOW_TRACKING_USERNAME', 'warning', 'unset MLFLOW_TRACKING_USERNAME MLFLOW_TRACKING_PASSWORD'],
    ['MLFLOW_REGISTRY_URI', 'warning', 'unset MLFLOW_REGISTRY_URI'],
    ['MLFLOW_RUN_ID', 'warning', 'unset MLFLOW_RUN_ID'],
  ]);
  expect(wrong({}, { files: { mlflowCredentials: true, netrc: true } }).map(([name]) => name)).toEqual([
    '~/.mlflow/credentials',
    '~/.netrc',
  ]);
});

test('certificates and proxies', () => {
  const both = { MLFLOW_TRACKING_INSECURE_TLS: 'true', MLFLOW_TRACKING_SERVER_CERT_PATH: 'a.pem' };
  expect(wrong(both)).toEqual([['MLFLOW_TRACKING_INSECURE_TLS', 'problem', 'unset MLFLOW_TRACKING_INSECURE_TLS']]);
  expect(wrong({ HTTP_PROXY: 'http://proxy:1', NO_PROXY: 'a' })).toEqual([
    ['NO_PROXY', 'problem', 'export NO_PROXY=a,127.0.0.1 no_proxy=a,127.0.0.1'],
  ]);
});
