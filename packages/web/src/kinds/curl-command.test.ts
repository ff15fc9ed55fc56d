import { expect, test } from 'vitest';
import { curlCommand } from './curl-command.ts';

const call = { server: 'http://127.0.0.1:7070', accounts: false, project: 'default', path: '/api/v1/secrets' };

test('a read of the default project by the owner of this machine', () => {
  expect(curlCommand(call)).toBe('curl -sS --fail-with-body http://127.0.0.1:7070/api/v1/secrets');
});

test('another project, a filter, and the token of the person who pastes it', () => {
  const query = { labels: 'team=vision,!x', origin: undefined, owner: '' };
  expect(curlCommand({ ...call, accounts: true, project: 'blue', query })).toBe(
    `curl -sS --fail-with-body -H "Authorization: Bearer $DAIS_TOKEN" 'http://127.0.0.1:7070/p/blue/api/v1/secrets?labels=team%3Dvision%2C%21x'`,
  );
});

test('a manifest is sent from its file', () => {
  expect(curlCommand({ ...call, project: undefined, path: '/api/v1/apply', file: "it's.yaml" })).toBe(
    String.raw`curl -sS --fail-with-body -H 'Content-Type: application/yaml' --data-binary '@it'\''s.yaml' http://127.0.0.1:7070/api/v1/apply`,
  );
});
