/** `dais target` against a real server, with clusters that do not respond. */
import { writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { CliFixture } from '#testing/cli-fixture.ts';

const TOKEN = 'top-secret-token';

let cli: CliFixture;
/** Accepts connections and never responds. */
const silent = createServer();
const AGENT = ['--agent-image', 'localhost/dais:test', '--agent-url', 'http://dais.example.com'];

beforeAll(async () => {
  cli = await CliFixture.start();
  await new Promise<void>((resolve) => {
    silent.listen(0, '127.0.0.1', resolve);
  });
});
afterAll(async () => {
  silent.close();
  await cli.stop();
});

async function writeKubeconfig(server: string, user: Record<string, unknown> = { token: TOKEN }): Promise<string> {
  const file = join(cli.folder, 'config');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'one', cluster: { server } }],
    contexts: [{ name: 'test', context: { cluster: 'one', user: 'ada' } }],
    users: [{ name: 'ada', user }],
  };
  await writeFile(file, stringify(config));
  return file;
}

async function getNames(kind: string): Promise<string[]> {
  const { out } = await cli.run(['get', kind, '-o', 'name']);
  return out.split('\n').filter((line) => line !== '');
}

test('a kubeconfig without a valid context is explained, and nothing is written', async () => {
  const file = await writeKubeconfig('https://cluster.example.com');
  const result = await cli.run(['target', 'add', 'gpu', '--kubeconfig', file, '--context', 'prod', ...AGENT]);
  expect(result).toMatchObject({ code: 7, out: '' });
  expect(result.err).toContain('has no context "prod". Choose one with --context: "test".');
  expect(await getNames('targets')).toEqual([]);
  expect(await getNames('secrets')).toEqual([]);
});

test('a target that the server refuses leaves no Secret', async () => {
  const file = await writeKubeconfig('https://cluster.example.com');
  const result = await cli.run(['target', 'add', 'gpu', '--kubeconfig', file, '--agent-url', 'not a URL']);
  expect(result).toMatchObject({ code: 7, out: '' });
  expect(result.err).toContain('spec.agent.url');
  expect(result.err).not.toContain(TOKEN);
  expect(await getNames('targets')).toEqual([]);
  expect(await getNames('secrets')).toEqual([]);
});

test('a cluster that does not respond is explained soon; another `add` replaces its kubeconfig', async () => {
  const { port } = silent.address() as AddressInfo;
  const file = await writeKubeconfig(`https://127.0.0.1:${port}`);
  const started = Date.now();
  const added = await cli.run(['target', 'add', 'gpu', '--kubeconfig', file, ...AGENT]);
  // The server waits 8 s for the cluster; the rest is for a busy machine.
  expect(Date.now() - started).toBeLessThan(15_000);
  expect(added.code).toBe(1);
  expect(added.out).toContain('+ Secret gpu-kubeconfig in default created');
  expect(added.out).toContain('+ Target gpu created');
  expect(added.out).toMatch(/problem: .*127\.0\.0\.1/);
  expect(added.out).toContain('Target gpu is not ready: 1 problem.');
  expect(added.err).toContain('is an address of this machine');
  expect(added.out + added.err).not.toContain(TOKEN);

  // A port without a listener.
  await writeKubeconfig('https://127.0.0.1:1', {
    exec: { apiVersion: 'client.authentication.k8s.io/v1', command: 'aws' },
  });
  const updated = await cli.run(['target', 'add', 'gpu', '--kubeconfig', file, '--max-tasks', '3', '-o', 'json']);
  expect(updated.code).toBe(1);
  const { changes, probe } = JSON.parse(updated.out) as {
    readonly changes: readonly { readonly kind: string; readonly action: string }[];
    readonly probe: { readonly ready: boolean; readonly problems: readonly string[] };
  };
  expect(changes.map(({ kind, action }) => `${kind} ${action}`).toSorted()).toEqual(['Secret update', 'Target update']);
  expect(probe.problems.join()).toContain('"aws"');
  const { out } = await cli.run(['get', 'target', 'gpu', '-o', 'json']);
  expect(JSON.parse(out)).toMatchObject({
    spec: { maxTasks: 3, agent: { url: 'http://dais.example.com' }, cluster: { kubeconfig: { project: 'default' } } },
  });
});

test('probe and doctor report the problems of a target with exit code 1', async () => {
  const probed = await cli.run(['target', 'probe', 'gpu', '--no-pods', '-o', 'json']);
  expect(probed.code).toBe(1);
  expect(JSON.parse(probed.out)).toMatchObject({ ready: false });
  const doctor = await cli.run(['doctor', '--target', 'gpu', '-o', 'json']);
  expect(doctor.code).toBe(1);
  const { findings } = JSON.parse(doctor.out) as { readonly findings: readonly object[] };
  expect(findings).toEqual([
    expect.objectContaining({ name: 'target gpu', state: 'problem', remedy: expect.any(String) as string }),
  ]);
});

test('targets that cannot be tested', async () => {
  expect((await cli.run(['target', 'probe', 'other'])).code).toBe(3);
  const local = await cli.run(['target', 'probe', 'local']);
  expect(local.code).toBe(7);
  expect(local.err).toContain('is the machines of the server');
  const job = await cli.run(['run', '--target', 'other', '--no-code', '--', 'true']);
  expect(job.code).toBe(7);
  expect(job.err).toContain('the target "other" does not exist');
});
