import { expect, test } from 'vitest';
import { finalScreen, tunnel } from './quickstart-screen.mjs';

const here = { wsl: false, container: false };

test('the screen shows links, results, disk usage, and how to stop and delete everything', () => {
  const text = finalScreen({
    url: 'http://127.0.0.1:7070',
    port: 7070,
    story: {
      links: [
        { what: 'the version that was promoted', address: 'http://127.0.0.1:7070/projects/default/models/nyc-late' },
      ],
      invitation: 'http://127.0.0.1:7070/invitation#secret',
    },
    disk: [
      { path: '/root/my data', bytes: 40_000_000, what: 'your data' },
      { path: '/root/.cache/dais', bytes: 1_100_000_000, what: 'downloads' },
    ],
    data: '/root/my data',
    keys: '/etc/dais/keys',
    log: '/root/.cache/dais/quickstart.log',
    exits: false,
    again: ['--data', '/root/my data'],
    environment: here,
  });
  expect(text).toContain('  Dais runs at http://127.0.0.1:7070\n');
  expect(text).toContain('http://127.0.0.1:7070/docs ');
  expect(text).toContain('    http://127.0.0.1:7070/invitation#secret\n');
  expect(text).toContain(
    '    the version that was promoted\n      http://127.0.0.1:7070/projects/default/models/nyc-late\n',
  );
  expect(text).toContain('  Replayed: the traffic.');
  expect(text).toContain('  Disk: 1.1 GB\n    /root/my data         40 MB  your data\n');
  expect(text).toContain('To stop: Ctrl-C here.');
  expect(text).toContain("To start again: npm run quickstart -- --data '/root/my data'\n");
  expect(text).toContain(`To delete everything: rm -rf '/root/my data' /root/.cache/dais\n`);
  expect(text).toContain('unless another Dais server on this machine uses them: rm -rf /etc/dais/keys\n');
  expect(text.split('\n').length).toBeLessThan(37);
});

test.each([
  [
    { ...here, sshConnection: '10.0.0.9 50000 10.0.0.5 22', user: 'ann' },
    '  ssh -N -L 7070:127.0.0.1:7070 ann@10.0.0.5',
  ],
  [
    { ...here, sshConnection: 'fe80::1 5 fd00::5 2222', user: 'ann' },
    '  ssh -N -L 7070:127.0.0.1:7070 -p 2222 ann@[fd00::5]',
  ],
  [{ ...here, wsl: true }, 'WSL: open it in Windows at http://localhost:7070'],
  [{ ...here, container: true }, 'Container: start it with --network=host to reach the URL above from the host.'],
])('shows how to connect from another machine: %o', (environment, line) => {
  expect(tunnel(7070, environment).at(-1)).toBe(line);
});

test('shows nothing on the machine itself', () => {
  expect(tunnel(7070, here)).toEqual([]);
});

test('the screen does not claim a retraining that was denied', () => {
  const screen = (finding?: { readonly decision: { readonly run?: string } }) =>
    finalScreen({
      url: 'http://127.0.0.1:7070',
      port: 7070,
      story: { links: [], invitation: undefined, ...(finding !== undefined && { finding }) },
      disk: [],
      data: '/data',
      keys: '/keys',
      log: '/log',
      exits: true,
      again: [],
      environment: here,
    });
  expect(screen({ decision: { run: '1' } })).toContain('the alert and its retraining');
  expect(screen({ decision: {} })).not.toContain('the alert and its retraining');
  expect(screen({ decision: {} })).toContain('Refused here: automatic retraining by the alert.');
});
