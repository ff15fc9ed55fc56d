import { expect, test } from 'vitest';
import { withoutCredentials } from '#manifests/git-provenance.ts';

test.each([
  ['https://user:token@git.example.com/team/repo.git', 'https://git.example.com/team/repo.git'],
  ['https://token@git.example.com/team/repo', 'https://git.example.com/team/repo'],
  ['https://git.example.com/team/repo?private_token=x#y', 'https://git.example.com/team/repo'],
  ['ssh://git:secret@git.example.com:2222/team/repo', 'ssh://git@git.example.com:2222/team/repo'],
  ['git@git.example.com:team/repo.git', 'git@git.example.com:team/repo.git'],
  ['/srv/git/repo.git', '/srv/git/repo.git'],
])('%s is stored as %s', (remote, want) => {
  expect(withoutCredentials(remote)).toBe(want);
});
