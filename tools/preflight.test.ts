import { expect, test } from 'vitest';
import { judge, type Facts } from './preflight.mjs';

const good: Facts = {
  node: '20.19.0',
  platform: 'linux',
  arch: 'x64',
  glibc: '2.36',
  npm: '10.8.2',
  pythons: [{ command: 'python3', version: '3.11.2' }],
  git: true,
  memory: 4e9,
  places: [{ name: 'data', path: '/home/a/.dais', writable: true, free: 5e9, needed: 1e9 }],
  registry: { needed: true, reachable: true },
  installer: 'apt',
  root: false,
  namespaces: 'allowed',
};

const print = (facts: Facts) => judge(facts).map(({ weight, what, fix }) => `${weight}: ${what} → ${fix}`);

test('a machine that has everything has no finding', () => {
  expect(judge(good)).toEqual([]);
  expect(judge({ ...good, registry: { needed: false } })).toEqual([]);
});

test('lists all problems together, each with its fix', () => {
  const facts: Facts = {
    ...good,
    node: '18.20.8',
    npm: undefined,
    pythons: [{ command: 'python3', version: '3.9.2' }],
    git: false,
    memory: 0.5 * 1024 ** 3,
    glibc: '2.17',
    places: [
      { name: 'data', path: '/srv/dais', writable: false, free: 0.1 * 1024 ** 3, needed: 1024 ** 3 },
      { name: 'cache', path: '/cache', writable: true, free: 0, needed: 0.5 * 1024 ** 3 },
    ],
    registry: { needed: true, reachable: false, reason: 'ENOTFOUND' },
  };
  expect(print(facts)).toEqual([
    'problem: glibc 2.17 is older than 2.28 → use Debian >= 11, Ubuntu >= 20.04 or another system of their age',
    'problem: 0.5 GiB of memory are free; 1.0 GiB are needed → close other programs, or give the machine or container more memory',
    'problem: this is Node 18.20.8, but Node >= 20.19 (20, 22 or 24) is needed → sudo apt-get update && sudo apt-get install -y nodejs npm (Debian 13 and Ubuntu 25.10 have it; elsewhere: nvm install 24)',
    'problem: npm is not installed → sudo apt-get update && sudo apt-get install -y npm',
    'problem: Python >= 3.11 is needed, but python3 is 3.9.2 → sudo apt-get update && sudo apt-get install -y python3 (or name another: DAIS_PYTHON=/path/to/python3)',
    'problem: the data folder /srv/dais cannot be written → make it writable (chown -R "$(id -u)" /srv/dais), or choose another place: -- --data DIR',
    'problem: 0.1 GiB are free at /srv/dais (data); 1.0 GiB are needed → free some space there, or choose another place: -- --data DIR',
    'problem: 0.0 GiB are free at /cache (cache); 0.5 GiB are needed → free some space there, or choose another place: DAIS_CACHE=DIR',
    'problem: the npm registry does not respond (ENOTFOUND) → set npm_config_registry to a mirror, or HTTPS_PROXY to your proxy (and NODE_EXTRA_CA_CERTS to its certificate)',
    'note: git is not installed: applied manifests will not record their commit → sudo apt-get update && sudo apt-get install -y git',
  ]);
});

test.each<[Facts['namespaces'], RegExp]>([
  ['max', /^note: user namespaces are off: .*Landlock.* → sysctl -w user\.max_user_namespaces=15000/],
  ['clone', /kernel\.unprivileged_userns_clone=1/],
  ['apparmor', /apparmor_parser -r/],
  ['refused', /docs\/guide\/isolation\.md/],
])('where namespaces are not allowed (%s), what that means and what to do is a note', (namespaces, expected) => {
  expect(print({ ...good, namespaces })).toEqual([expect.stringMatching(expected)]);
});

test.each([
  ['20.18.3', 1],
  ['20.19.0', 0],
  ['21.7.3', 1],
  ['22.12.0', 0],
  ['24.1.0', 0],
])('Node %s has %i problems', (node, problems) => {
  expect(judge({ ...good, node })).toHaveLength(problems);
});

test.each([
  [{ platform: 'win32' }, 'problem: Windows itself is not supported → run it in WSL2: wsl --install -d Debian'],
  [{ platform: 'freebsd' }, 'problem: freebsd on x64 is not supported → use Linux on x64 or arm64'],
  [{ arch: 'ia32' }, 'problem: linux on ia32 is not supported → use Linux on x64 or arm64'],
  [
    { platform: 'darwin', arch: 'arm64', glibc: undefined },
    'note: macOS is experimental → use Linux for anything you rely on',
  ],
  [
    { glibc: undefined },
    'problem: this Linux has musl instead of glibc (Alpine?) → use a system with glibc: Debian, Ubuntu, Fedora (in a container: FROM debian:13)',
  ],
  [
    { memory: 1.5 * 1024 ** 3 },
    'note: 1.5 GiB of memory are free; 2.0 GiB are better → close other programs, or give the machine or container more memory',
  ],
])('%o is found', (facts, finding) => {
  expect(print({ ...good, ...facts })).toEqual([finding]);
});

test.each([
  [{ installer: 'dnf', root: true }, 'dnf install -y python3'],
  [{ installer: 'brew' }, 'brew install python@3.13'],
  [{ installer: 'other' }, 'install python3 with the package manager of this system'],
] as const)('the fix fits the system: %o', (facts, fix) => {
  expect(judge({ ...good, ...facts, pythons: [] })[0]?.fix).toContain(fix);
});

test('any Python that is new enough will do', () => {
  const pythons = [
    { command: 'python3', version: '3.9.2' },
    { command: 'python3.12', version: '3.12.1' },
  ];
  expect(judge({ ...good, pythons })).toEqual([]);
});
