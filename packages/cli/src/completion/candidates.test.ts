import { expect, test } from 'vitest';
import { candidatesFor } from '#completion/candidates.ts';

const names: Readonly<Record<string, readonly string[]>> = {
  Secret: ['chat', 'mail'],
  Project: ['flights'],
  Target: ['gpu'],
};

async function complete(...words: string[]): Promise<readonly string[] | 'files'> {
  const found = await candidatesFor(words, (kind) => Promise.resolve(names[kind] ?? []));
  return found === 'files' ? found : found.map((candidate) => candidate.word);
}

test.each<[string[], readonly string[] | 'files']>([
  [['ap'], ['apply']],
  [
    ['admin', 'r'],
    ['restore', 'recover', 'revoke-node-token', 'resume-node', 'remove-node', 'rotate-ca', 'rotate-keys'],
  ],
  [
    ['config', ''],
    ['view', 'explain'],
  ],
  [['get', 'sec'], ['secrets']],
  [
    ['get', 'secrets', ''],
    ['chat', 'mail'],
  ],
  [['get', 'secrets', 'chat', ''], ['mail']],
  [
    ['get', 'secret/'],
    ['secret/chat', 'secret/mail'],
  ],
  [['-p', 'x', 'get', '-l', 'a=b', 'secrets', 'm'], ['mail']],
  [['get', '--all'], ['--all-projects']],
  [['get', '-p', 'f'], ['flights']],
  [['run', '--target', ''], ['gpu']],
  [['target', 'probe', ''], ['gpu']],
  [['get', 'secrets', '-o', 'y'], ['yaml']],
  [['apply', '-f', ''], 'files'],
  [['up', '--data', ''], 'files'],
  [
    ['up', '--role', 'a'],
    ['all', 'api'],
  ],
  [['explain', 'Sec'], ['Secret']],
  [['explain', 'Secret.spec.da'], ['Secret.spec.data']],
  [
    ['completion', ''],
    ['bash', 'zsh', 'fish'],
  ],
  [['config', 'explain', 'database.u'], ['database.url']],
  [['version', ''], []],
  [['nonsense', 'x'], []],
])('%j completes to %j', async (words, want) => {
  expect(await complete(...words)).toEqual(want);
});

test('a first word can be any command', async () => {
  const all = await complete('');
  expect(all).toEqual(expect.arrayContaining(['apply', 'get', 'up', 'admin', 'config', 'help']));
  expect(new Set(all).size).toBe(all.length);
});
