/** The unmodified clients of MLflow, Kubeflow Pipelines, Feast and Triton, with a load balancer in front of three trees in three zones. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { feastScripts } from './protocols/feast/testing/client-scenarios.ts';
import { environmentOf, NEWEST } from './protocols/mlflow/testing/client-scenarios.ts';
import { failed, pythonPeer } from './protocols/mlflow/testing/python-peer.ts';
import { clientPython, type CalledDais, type ClientPython } from './testing/client-python.ts';
import { isServing, servingClient } from './testing/serving-client.ts';
import { ZoneFleet } from './testing/zones/zone-fleet.testing.ts';

const TREES = 3;
/** In ms; the first run also builds the environments of the clients. */
const PATIENCE = 900_000;
const PREDICTIONS = 30;

let fleet: ZoneFleet;
beforeAll(async () => {
  fleet = await ZoneFleet.start(TREES);
  // The workspace of a scenario of MLflow.
  const text = JSON.stringify({ apiVersion: 'dais.dev/v1', kind: 'Project', metadata: { name: 'team' }, spec: {} });
  const { status, body } = await administrator().call('POST', '/api/v1/apply', { sources: [{ file: 'team', text }] });
  if (status !== 200) throw new Error(JSON.stringify(body));
});
afterAll(async () => await fleet?.close());

const administrator = () => servingClient(fleet.trees[0]?.url ?? '', { authorization: `Bearer ${fleet.token}` });

async function withClient(peer: string, act: (client: ClientPython<CalledDais>) => Promise<void>): Promise<void> {
  const dais = { url: fleet.api.url, grpc: `${fleet.grpc.host}:${fleet.grpc.port}` };
  const client = await clientPython(peer, dais, fleet.token);
  try {
    await act(client);
  } finally {
    await client.stop();
  }
}

/** The names of all scenarios, without those whose server must reach the client: it is in no zone. */
function mlflowScenarios(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('_scenarios.py') && file !== 'webhook_scenarios.py')
    .flatMap((file) => [...readFileSync(join(folder, file), 'utf8').matchAll(/^@scenario\(.*\)\ndef (\w+)\(/gm)])
    .map(([, name = '']) => name);
}

test('MLflow', { timeout: PATIENCE + 60_000 }, async () => {
  await withClient('mlflow', async (client) => {
    const variables = { MLFLOW_TRACKING_URI: fleet.api.url, MLFLOW_TRACKING_TOKEN: fleet.token };
    const names = mlflowScenarios(client.folder);
    const results = await pythonPeer(client).scenarios(environmentOf(NEWEST), names, {
      variables,
      timeoutMs: PATIENCE,
    });
    process.stdout.write(`zones, client of MLflow: ${results.length} scenarios, ${failed(results).length} failed\n`);
    expect(failed(results)).toEqual([]);
    expect(results.length).toBeGreaterThanOrEqual(20);
  });
});

/** Those that run steps install packages, and the zones have no way to a package index. */
test.each([[['healthz', 'experiments', 'pipelines']]])(
  'Kubeflow Pipelines: %s',
  { timeout: PATIENCE },
  async (names) => {
    await withClient('kfp', async (client) => {
      const environment = { name: 'kfp-2-17', requirements: 'requirements.txt' };
      const words = [join(client.folder, 'client_scenarios.py'), ...names];
      const { code, stdout, stderr } = await client.run(environment, words, {
        variables: { KFP_HOST: fleet.api.url, KFP_TOKEN: fleet.token },
        timeoutMs: PATIENCE,
      });
      if (code !== 0) throw new Error(stderr.slice(-3000));
      const results = stdout
        .split('\n')
        .filter((line) => line.startsWith('{'))
        .map((line) => JSON.parse(line) as { name: string; error?: string });
      expect(results).toEqual(names.map((name) => ({ name })));
    });
  },
);

test('Feast', { timeout: PATIENCE }, async () => {
  await withClient('feast', async (client) => {
    const results = await feastScripts(client, { line: '0.67', requirements: 'requirements.txt' }, [
      'client_scenarios.py',
    ]);
    expect(results.filter(({ error }) => error !== undefined)).toEqual([]);
    expect(results).toHaveLength(8);
  });
});

test('Triton', { timeout: PATIENCE }, async () => {
  const serving = administrator();
  const version = await serving.register('triton', 2);
  await serving.call('POST', '/api/v1/serving/endpoints/triton/deploy', { model: `models:/triton/${version}` });
  await serving.settled('triton', (status) => isServing(status) && status.variants?.[0]?.gateways?.ready === TREES);
  await withClient('serving', async (client) => {
    const addresses = [fleet.inference, fleet.inferenceGrpc].map(({ host, port }) => `${host}:${port}`);
    const words = [join(client.folder, 'triton_balanced.py'), ...addresses, fleet.token, 'triton', String(PREDICTIONS)];
    const environment = { name: 'serving', requirements: 'requirements.txt' };
    const { code, stdout, stderr } = await client.run(environment, words, { variables: {}, timeoutMs: PATIENCE });
    expect([code, stderr]).toEqual([0, '']);
    expect(JSON.parse(stdout)).toEqual({ http: PREDICTIONS, grpc: PREDICTIONS });
  });
});
