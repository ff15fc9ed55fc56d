import type { Resource } from '@dais/api';
import { targetKind } from '@dais/api/executions';
import { expect, test } from 'vitest';
import { checkTargetOptions, secretManifest, secretName, targetManifest } from '#targets/target-manifests.ts';

const secret = { project: 'ml', name: 'gpu-kubeconfig', text: 'kind: Config\n', existing: undefined };

function resource(spec: Record<string, unknown>, status: Record<string, unknown> = {}): Resource {
  return { metadata: { labels: { team: 'ml' }, annotations: {} }, spec, status } as unknown as Resource;
}

test('a new target with a kubeconfig', () => {
  const options = { kubeconfig: 'config', image: 'train:1', agentUrl: 'https://dais.example.com', maxTasks: 5 };
  const target = targetManifest('gpu', options, { secret, existing: undefined });
  expect(target).toEqual({
    apiVersion: 'dais.dev/v1',
    kind: 'Target',
    metadata: { name: 'gpu' },
    spec: {
      type: 'kubernetes',
      cluster: { kubeconfig: { project: 'ml', secret: 'gpu-kubeconfig', key: 'kubeconfig' } },
      agent: { url: 'https://dais.example.com' },
      image: 'train:1',
      maxTasks: 5,
    },
  });
  const spec = targetKind.spec.parse(target.spec);
  expect(targetKind.check(spec)).toEqual([]);
  expect(secretManifest('gpu', secret)).toEqual({
    apiVersion: 'dais.dev/v1',
    kind: 'Secret',
    metadata: { name: 'gpu-kubeconfig', project: 'ml' },
    spec: { description: 'Kubeconfig of the target gpu.', data: { kubeconfig: 'kind: Config\n' } },
  });
  expect(secretName('gpu', { ...options, secret: 'mine' })).toBe('mine');
});

test('an existing target keeps what is not given', () => {
  const pools = { a100: { resources: ['nvidia.com/gpu'] } };
  const existing = resource({
    type: 'kubernetes',
    cluster: { inCluster: true },
    agent: { image: 'dais:1', url: 'https://a' },
    pools,
  });
  const target = targetManifest('gpu', { agentUrl: 'https://b' }, { secret: undefined, existing });
  expect(target.metadata).toEqual({ name: 'gpu', labels: { team: 'ml' }, annotations: {} });
  expect(target.spec).toEqual({
    type: 'kubernetes',
    cluster: { inCluster: true },
    agent: { image: 'dais:1', url: 'https://b' },
    pools,
  });
  const moved = targetManifest('gpu', { kubeconfig: 'config' }, { secret, existing });
  expect(moved.spec).toHaveProperty('cluster', {
    kubeconfig: { project: 'ml', secret: 'gpu-kubeconfig', key: 'kubeconfig' },
  });
});

test.each([
  ['local', {}, '"local" is the machines of the server'],
  ['gpu', { inCluster: true, kubeconfig: 'a' }, 'Give --in-cluster or --kubeconfig, not both.'],
  ['gpu', { context: 'a' }, '--context needs --kubeconfig FILE.'],
  ['gpu', { inCluster: true, secret: 'a' }, '--secret needs --kubeconfig FILE.'],
] as const)('%s with %j is refused', (name, options, message) => {
  expect(() => checkTargetOptions(name, options)).toThrow(message);
});

test('a target without a cluster, one of another type, and a Secret with other keys are refused', () => {
  const none = { secret: undefined, existing: undefined };
  expect(() => targetManifest('gpu', {}, none)).toThrow('Give --kubeconfig FILE, or --in-cluster');
  const process = { secret: undefined, existing: resource({ type: 'process' }) };
  expect(() => targetManifest('gpu', { inCluster: true }, process)).toThrow('its type is `process`');
  const shared = { ...secret, existing: resource({}, { keys: ['kubeconfig', 'password'] }) };
  expect(() => secretManifest('gpu', shared)).toThrow('would be lost: password');
  const own = { ...secret, existing: resource({ description: 'Mine.' }, { keys: ['kubeconfig'] }) };
  expect(secretManifest('gpu', own).spec).toHaveProperty('description', 'Mine.');
});
