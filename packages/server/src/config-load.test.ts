import { DaisError } from '@dais/api';
import { describe, expect, test } from 'vitest';
import { redactConfig, resolveConfig, type ConfigSources } from './config-load.ts';

const environmentVariables = { home: '/home/ada', isRoot: false };

function resolve(sources: Partial<ConfigSources>) {
  return resolveConfig({ environment: {}, flags: {}, workingFolder: '/srv', ...sources }, environmentVariables);
}

function problemsOf(sources: Partial<ConfigSources>) {
  try {
    resolve(sources);
  } catch (error) {
    if (error instanceof DaisError && error.code === 'invalid_config') return error.issues ?? [];
    throw error;
  }
  throw new Error('no problem was found');
}

const file = (text: string) => ({ path: '/etc/dais/config.yaml', text });

describe('where values come from', () => {
  test('no settings: defaults of the user', () => {
    const config = resolve({});
    expect(config.data).toBe('/home/ada/.dais');
    expect(config.blobs).toEqual({ type: 'fs', folder: '/home/ada/.dais/blobs' });
    expect(config.keys).toEqual({ type: 'file', folder: '/home/ada/.config/dais/keys' });
    expect(config.port).toBeUndefined();
  });

  test('root uses the data and key folders of the system', () => {
    const config = resolveConfig({ environment: {}, flags: {}, workingFolder: '/' }, { home: '/root', isRoot: true });
    expect(config.data).toBe('/var/lib/dais');
    expect(config.keys).toMatchObject({ folder: '/etc/dais/keys' });
  });

  test('flags win over variables, variables over the file', () => {
    const config = resolve({
      file: file('apiVersion: dais.dev/v1\nkind: DaisConfig\nspec:\n  port: 1\n  host: ::1\n  data: here\n'),
      environment: { DAIS_PORT: '2', DAIS_LOG_LEVEL: 'debug', DAIS_LOG_FORMAT: '' },
      flags: { port: 3 },
    });
    expect(config).toMatchObject({ port: 3, host: '::1', data: '/etc/dais/here' });
    expect(config.log).toMatchObject({ level: 'debug' });
  });

  test('paths are relative to the file that names them, otherwise to the working folder', () => {
    const config = resolve({
      file: file('apiVersion: dais.dev/v1\nkind: DaisConfig\nspec:\n  tls:\n    cert: tls/a.pem\n    key: /k.pem\n'),
      environment: { DAIS_OUTBOUND_EXTRA_CA: 'ca.pem' },
    });
    expect(config.tls).toEqual({ cert: '/etc/dais/tls/a.pem', key: '/k.pem' });
    expect(config.outbound.extraCa).toBe('/srv/ca.pem');
  });

  test('lists, maps, numbers and booleans from text', () => {
    const config = resolve({
      environment: {
        DAIS_TRUSTED_PROXIES: '10.0.0.0/8, 192.168.1.1',
        DAIS_OTLP_HEADERS: 'authorization=Bearer x=y,b=c',
        DAIS_OTLP_SAMPLE_RATIO: '0.25',
        DAIS_BLOBS_TYPE: 's3',
        DAIS_BLOBS_BUCKET: 'things',
        DAIS_BLOBS_PATH_STYLE: 'true',
        DAIS_KEYS_TYPE: 'command',
        DAIS_KEYS_COMMAND: '["/bin/wrap","--list=a,b"]',
      },
    });
    expect(config.trustedProxies).toEqual(['10.0.0.0/8', '192.168.1.1']);
    expect(config.otlp).toMatchObject({ headers: { authorization: 'Bearer x=y', b: 'c' }, sampleRatio: 0.25 });
    expect(config.blobs).toMatchObject({ type: 's3', bucket: 'things', pathStyle: true, region: 'us-east-1' });
    expect(config.keys).toMatchObject({ command: ['/bin/wrap', '--list=a,b'] });
  });

  test('a field of the default variant needs no type', () => {
    expect(resolve({ flags: { 'keys.folder': '/k' } }).keys).toEqual({ type: 'file', folder: '/k' });
  });

  test('another variant takes no settings from the one in the file', () => {
    const config = resolve({
      file: file('apiVersion: dais.dev/v1\nkind: DaisConfig\nspec:\n  blobs: {type: s3, bucket: b}\n'),
      environment: { DAIS_BLOBS_TYPE: 'fs' },
    });
    expect(config.blobs).toEqual({ type: 'fs', folder: '/home/ada/.dais/blobs' });
  });

  test('the usual proxy variables apply unless the configuration overrides them', () => {
    const environment = { https_proxy: 'http://proxy:3128', NO_PROXY: '.local,10.0.0.0/8' };
    expect(resolve({ environment }).outbound).toMatchObject({
      proxy: 'http://proxy:3128',
      noProxy: ['.local', '10.0.0.0/8'],
    });
    const flags = { 'outbound.proxy': 'http://other:1' };
    expect(resolve({ environment, flags }).outbound.proxy).toBe('http://other:1');
  });
});

describe('errors', () => {
  test('all errors together, each with its position', () => {
    const issues = problemsOf({
      file: file('apiVersion: dais.dev/v1\nkind: DaisConfig\nspec:\n  prot: 7070\n  log:\n    level: loud\n'),
      environment: { DAIS_PORT: '99999', DAIS_DATABASE_POOL_SIZE: 'many', DAIS_DATABSE_URL: 'postgres://x' },
      flags: { 'log.format': 'xml' },
    });
    expect(issues).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ file: '/etc/dais/config.yaml', line: 4, column: 3, nearest: 'port' }),
        expect.objectContaining({ file: '/etc/dais/config.yaml', line: 6, column: 5, message: 'is "loud"' }),
        expect.objectContaining({ path: 'DAIS_PORT', message: 'is too large' }),
        expect.objectContaining({ path: 'DAIS_DATABASE_POOL_SIZE', expected: 'a whole number' }),
        expect.objectContaining({ path: 'DAIS_DATABSE_URL', nearest: 'DAIS_DATABASE_URL' }),
        expect.objectContaining({ path: '--log-format', expected: 'one of json, text' }),
      ]),
    );
    expect(issues).toHaveLength(6);
  });

  test('the value of an invalid secret is not shown', () => {
    const issues = problemsOf({ environment: { DAIS_DATABASE_URL: 'mysql://u:hunter2@h/d' } });
    expect(issues).toHaveLength(1);
    expect(JSON.stringify(issues)).not.toContain('hunter2');
    expect(issues[0]).toMatchObject({ path: 'DAIS_DATABASE_URL', expected: 'a postgres:// URL' });
  });

  test('wrong kind, wrong version, not YAML, not a map, two documents', () => {
    expect(problemsOf({ file: file('apiVersion: v1\nkind: Config\n') })).toHaveLength(2);
    expect(problemsOf({ file: file('a: [') })[0]).toMatchObject({ line: 1 });
    expect(problemsOf({ file: file('- 1\n') })[0]).toMatchObject({ message: 'is not a map' });
    const twice = 'apiVersion: dais.dev/v1\nkind: DaisConfig\n';
    expect(problemsOf({ file: file(`${twice}---\n${twice}`) })[0]).toMatchObject({
      message: 'contains more than one document',
    });
  });
});

describe('environments', () => {
  const environment = { PIP_INDEX_URL: 'https://one.example/simple', UV_INDEX_URL: 'https://two.example/simple' };

  test('are in the data folder, build from source outside of isolation for a single owner only, and use the index of uv’s and pip’s variables', () => {
    const found = resolve({ environment }).environments;
    expect(found).toMatchObject({ index: 'https://two.example/simple', sourceBuilds: true });
    expect(found.folder).toMatch(/\/\.dais\/environments$/);
    expect(resolve({ flags: { 'authentication.mode': 'accounts' } }).environments.sourceBuilds).toBeUndefined();
    expect(resolve({ environment: { UV_INDEX_URL: 'file:///srv' } }).environments.index).toBeUndefined();
  });

  test('use only the wheelhouse if there is one, unless an index is configured', () => {
    const flags = { 'environments.wheelhouse': '/srv/wheels' };
    expect(resolve({ environment, flags }).environments.index).toBeUndefined();
    const both = { ...flags, 'environments.index': 'https://own.example/simple' };
    expect(resolve({ environment, flags: both }).environments.index).toBe('https://own.example/simple');
  });
});

test('the displayed configuration contains no secret', () => {
  const config = resolve({
    environment: {
      DAIS_DATABASE_URL: 'postgres://dais:hunter2@db:5432/dais?sslmode=require',
      DAIS_KEYS_TYPE: 'env',
      DAIS_KEYS_VALUES: 'a:c2VjcmV0',
      DAIS_OTLP_HEADERS: 'authorization=topsecret',
    },
  });
  const shown = JSON.stringify(redactConfig(config));
  expect(shown).not.toMatch(/hunter2|c2VjcmV0|topsecret/);
  expect(shown).toContain('db:5432');
  expect(config.database.url).toContain('hunter2');
});

describe('a list of maps', () => {
  const provider = { name: 'corporate', issuer: 'https://id.example.com', clientId: 'dais' };

  test('are relative to the folder of the file', () => {
    const { authentication } = resolve({
      file: file(
        'apiVersion: dais.dev/v1\nkind: DaisConfig\nspec:\n  authentication:\n    providers:\n' +
          '      - name: corporate\n        issuer: https://id.example.com\n        clientId: dais\n        clientSecretFile: secret\n',
      ),
    });
    expect(authentication.providers).toMatchObject([{ ...provider, clientSecretFile: '/etc/dais/secret' }]);
  });

  test('or in one variable, as JSON; its secrets are never shown', () => {
    const config = resolve({
      environment: { DAIS_AUTHENTICATION_PROVIDERS: JSON.stringify([{ ...provider, clientSecret: 'hunter2' }]) },
    });
    expect(config.authentication.providers[0]?.clientSecret).toBe('hunter2');
    expect(redactConfig(config)).toMatchObject({
      authentication: { providers: [{ ...provider, clientSecret: '(set)' }] },
    });
  });

  test.each([
    ['not JSON, hunter2', 'is not valid'],
    [JSON.stringify([{ ...provider, clientSecret: { hunter2: 1 } }]), 'is not valid'],
  ])('an error does not contain the secret: %s', (text, message) => {
    const issues = problemsOf({ environment: { DAIS_AUTHENTICATION_PROVIDERS: text } });
    expect(issues).toMatchObject([{ path: 'DAIS_AUTHENTICATION_PROVIDERS', message }]);
    expect(JSON.stringify(issues)).not.toContain('hunter2');
  });
});
