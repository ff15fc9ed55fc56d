/** Policies that use facts about what is upstream: real data, runs, versions and endpoints before the real authorizer. */
import { randomUUID } from 'node:crypto';
import type { Change } from '@dais/api';
import type { LineageGraph } from '@dais/api/lineage';
import type { Run } from '@dais/api/tracking';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { manifest } from '#kernel/testing/test-kernel.ts';
import { startPrivacyWorld, type PrivacyProject, type PrivacyWorld } from '#ledgers/privacy/testing/privacy-world.ts';

let world: PrivacyWorld;
beforeAll(async () => {
  world = await startPrivacyWorld();
});
afterAll(async () => await world?.stop());

const PERSONAL = 'mail,fare\nada@example.com,12\nbo@example.org,14\ncy@example.net,9\n';
const CLEAN = 'distance,fare\n1,12\n2,14\n3,9\n';

const guardrail = (mode?: 'audit' | 'enforce', fact = 'upstreamOpenPiiFindings', action = 'endpoint:write') =>
  manifest('Policy', 'no-pii', {
    ...(mode !== undefined && { mode }),
    cedar: `@id("no-pii") @message("Training data has open personal-data findings")
      forbid(principal, action == Dais::Action::"${action}", resource) when { resource.facts.${fact} > 0 };`,
  });

interface Trained {
  readonly dataset: string;
  readonly model: string;
}

/** A dataset, a run that read it, and version 1 of a model from that run. */
async function train(p: PrivacyProject, csv: string, more: readonly object[] = []): Promise<Trained> {
  const dataset = await p.dataset();
  await p.push(dataset, csv);
  const input = {
    dataset: { name: dataset, digest: 'x', sourceType: 'dais', source: `dais://${dataset}@1` },
    tags: {},
  };
  const run = await p.call<Run>('run.create', { experimentId: '0', name: `train on ${dataset}` });
  await p.call('run.logInputs', { id: run.id, datasets: [input, ...more] });
  const model = `model-${dataset}`;
  await register(p, model, run);
  return { dataset, model };
}

async function register(p: PrivacyProject, model: string, run: Run): Promise<void> {
  const known = await p.call('model.get', { name: model }).catch(() => undefined);
  if (known === undefined) await p.call('model.create', { manifest: manifest('Model', model) });
  await p.call('modelVersion.create', { name: model, source: `${run.artifactUri}/model`, runId: run.id });
}

const endpoint = (name: string, model: string) => manifest('Endpoint', name, { model });

async function ask(p: PrivacyProject, name: string, input: unknown, as: object): Promise<string> {
  try {
    await p.call(name, input, as);
    return 'ok';
  } catch (error) {
    return (error as Error).message;
  }
}

async function withPolicy(p: PrivacyProject, policy: object, work: () => Promise<void>): Promise<void> {
  await world.dais.apply([policy], {}, p.context);
  try {
    await work();
  } finally {
    await p.call('policy.delete', { name: 'no-pii' });
  }
}

describe('a policy that forbids endpoints of models with open findings upstream', () => {
  test('denies the endpoint in enforce mode, and permits it after the finding is resolved', async () => {
    const p = await world.project();
    const editor = await p.member('editor');
    const { dataset, model } = await train(p, PERSONAL);
    const clean = await train(p, CLEAN);
    await withPolicy(p, guardrail('enforce'), async () => {
      const refused = await ask(p, 'endpoint.create', { manifest: endpoint('late', `models:/${model}/1`) }, editor);
      expect(refused).toContain(`Policy "${p.name}/no-pii": Training data has open personal-data findings.`);
      expect(await ask(p, 'endpoint.create', { manifest: endpoint('clean', `models:/${clean.model}/1`) }, editor)).toBe(
        'ok',
      );
      // What would be served counts, not what is.
      const change = { name: 'clean', manifest: endpoint('clean', `models:/${model}/1`) };
      expect(await ask(p, 'endpoint.update', change, editor)).toContain('no-pii');
      const [finding] = await p.findings(dataset, 'open');
      await p.call('datasetFinding.waive', { name: dataset, finding: finding?.id, reason: 'made up' });
      expect(await ask(p, 'endpoint.update', change, editor)).toBe('ok');
      // A write of a violating endpoint is permitted if it does not change the cause.
      await p.call('datasetFinding.reopen', { name: dataset, finding: finding?.id, reason: 'it was not' });
      const back = { name: 'clean', manifest: endpoint('clean', `models:/${clean.model}/1`) };
      expect(await ask(p, 'endpoint.update', back, editor)).toBe('ok');
    });
  });

  test('starts in audit mode: it denies nothing, and records what it would deny', async () => {
    const p = await world.project();
    const editor = await p.member('editor');
    const { model } = await train(p, PERSONAL);
    const [planned] = (await world.dais.plan([guardrail()], {}, p.context)) as [Change];
    expect(planned.notes?.[0]).toMatch(/^Policy "no-pii" uses upstream facts, so it is in audit mode/);
    await withPolicy(p, guardrail(), async () => {
      const { status } = await p.call<{ status: object }>('policy.get', { name: 'no-pii' });
      expect(status).toMatchObject({ mode: 'audit', facts: ['upstreamOpenPiiFindings'] });
      const write = { manifest: endpoint('late', `models:/${model}/1`) };
      expect(await ask(p, 'endpoint.create', write, editor)).toBe('ok');
      const rows = await p.call<{ items: object[] }>('policy.audited', {});
      expect(rows.items).toMatchObject([
        {
          policy: `${p.name}/no-pii`,
          action: 'endpoint:write',
          kind: 'Endpoint',
          name: 'late',
          count: 1,
          result: 'violated',
        },
      ]);
      const events = async () => await p.call<{ items: object[] }>('event.list', { type: 'policy.audited' });
      await expect.poll(async () => (await events()).items.length).toBe(1);
      // A plan changes nothing and records nothing.
      await world.dais.plan([endpoint('late', `models:/${model}/1`)], {}, { ...p.context, ...editor });
      expect((await p.call<{ items: { count: number }[] }>('policy.audited', {})).items[0]?.count).toBe(1);
    });
  });

  test('denies when an upstream dataset version was never scanned, and names it', async () => {
    const p = await world.project();
    const editor = await p.member('editor');
    const { dataset, model } = await train(p, CLEAN);
    await world.db.asAdmin(`delete from privacy.scan where number = 1 and project_id = '${p.id}'`);
    await withPolicy(p, guardrail('enforce'), async () => {
      const write = { manifest: endpoint('late', `models:/${model}/1`) };
      const refused = await ask(p, 'endpoint.create', write, editor);
      expect(refused).toContain('The evaluation failed: The fact upstreamOpenPiiFindings is unknown: ');
      expect(refused).toContain(`${dataset}@1`);
      expect(refused).toContain('It has not been scanned for personal data.');
    });
    // To permit unknown facts, a policy must do so explicitly.
    const lenient = manifest('Policy', 'no-pii', {
      mode: 'enforce',
      cedar: `@id("no-pii") forbid(principal, action == Dais::Action::"endpoint:write", resource)
        when { resource.facts has upstreamOpenPiiFindings && resource.facts.upstreamOpenPiiFindings > 0 };`,
    });
    await withPolicy(p, lenient, async () => {
      const write = { manifest: endpoint('late', `models:/${model}/1`) };
      expect(await ask(p, 'endpoint.create', write, editor)).toBe('ok');
    });
  });

  test('denies an endpoint whose model cannot be found', async () => {
    const p = await world.project();
    const editor = await p.member('editor');
    await withPolicy(p, guardrail('enforce'), async () => {
      const refused = await ask(p, 'endpoint.create', { manifest: endpoint('late', 'models:/nothing/1') }, editor);
      expect(refused).toContain('There is no models:/nothing/1.');
    });
  });

  test('denies a resource with too many upstream nodes', async () => {
    const p = await world.project();
    const editor = await p.member('editor');
    const { model } = await train(p, CLEAN);
    const { nodes } = await p.call<LineageGraph>('lineage.get', {
      node: `model-version:${model}/1`,
      direction: 'upstream',
    });
    const run = nodes.find(({ type }) => type === 'run')?.node ?? '';
    await world.db.asAdmin(
      `insert into lineage.edge (project_id, source, target, relation, at, external)
       select '${p.id}', 'dataset:made-up-' || n, '${run}', 'read', 0, false from generate_series(1, 2100) n`,
    );
    await withPolicy(p, guardrail('enforce'), async () => {
      const refused = await ask(p, 'endpoint.create', { manifest: endpoint('late', `models:/${model}/1`) }, editor);
      expect(refused).toContain('The upstream lineage has more than 2000 nodes.');
    });
  });
});

describe('aliases and stages', () => {
  test('cannot be set on a version with open upstream findings, but can be removed', async () => {
    const p = await world.project();
    const operator = await p.member('operator');
    const { model } = await train(p, PERSONAL);
    await p.call('modelAlias.set', { name: model, alias: 'champion', version: '1' });
    await withPolicy(p, guardrail('enforce', 'upstreamOpenPiiFindings', 'model:promote'), async () => {
      const alias = { name: model, alias: 'challenger', version: '1' };
      expect(await ask(p, 'modelAlias.set', alias, operator)).toContain('no-pii');
      const stage = { name: model, version: '1', stage: 'Production' };
      expect(await ask(p, 'modelVersion.stage', stage, operator)).toContain('no-pii');
      expect(await ask(p, 'modelVersion.stage', { ...stage, stage: 'Archived' }, operator)).toBe('ok');
      expect(await ask(p, 'modelAlias.remove', { name: model, alias: 'champion' }, operator)).toBe('ok');
    });
  });

  test('a policy may be about one alias', async () => {
    const p = await world.project();
    const operator = await p.member('operator');
    const { model } = await train(p, PERSONAL);
    const policy = manifest('Policy', 'no-pii', {
      mode: 'enforce',
      cedar: `@id("no-pii") forbid(principal, action == Dais::Action::"model:promote", resource)
        when { context has alias && context.alias == "champion" && resource.facts.upstreamOpenPiiFindings > 0 };`,
    });
    await withPolicy(p, policy, async () => {
      const set = async (alias: string) =>
        await ask(p, 'modelAlias.set', { name: model, alias, version: '1' }, operator);
      expect(await set('champion')).toContain('no-pii');
      expect(await set('challenger')).toBe('ok');
    });
  });
});

describe('other facts', () => {
  test('count the lineage nodes', async () => {
    const p = await world.project();
    const editor = await p.member('editor');
    const other = { dataset: { name: 'bought', digest: 'y', sourceType: 's3', source: 's3://b/x' }, tags: {} };
    const { model } = await train(p, CLEAN, [other]);
    const refusals = async (fact: string) => {
      let output = '';
      await withPolicy(p, guardrail('enforce', fact), async () => {
        output = await ask(
          p,
          'endpoint.create',
          { manifest: endpoint(`e-${randomUUID().slice(0, 8)}`, `models:/${model}/1`) },
          editor,
        );
      });
      return output === 'ok' ? 'ok' : output.includes('The evaluation failed') ? 'unknown' : 'refused';
    };
    expect(await refusals('upstreamExternalDatasets')).toBe('refused');
    expect(await refusals('upstreamDatasetVersions')).toBe('refused');
    expect(await refusals('upstreamFailedQualityChecks')).toBe('ok');
    expect(await refusals('upstreamUnapprovedVersions')).toBe('refused');
  });

  test('a model that is read by name only has no version to follow', async () => {
    const p = await world.project();
    const editor = await p.member('editor');
    await withPolicy(p, guardrail('enforce', 'upstreamDatasetVersions', 'model:write'), async () => {
      expect(await ask(p, 'model.create', { manifest: manifest('Model', 'empty') }, editor)).toBe('ok');
    });
  });
});
