/** Violations of policies by what is in production: real data, versions and aliases before the real evaluation. */
import type { PolicyViolation } from '@dais/api/access';
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

const policy = (action: string, more: { mode?: 'audit' | 'enforce'; condition?: string } = {}) =>
  manifest('Policy', 'no-pii', {
    ...(more.mode !== undefined && { mode: more.mode }),
    cedar: `@id("no-pii") @message("Training data has open personal-data findings")
      forbid(principal, action == Dais::Action::"${action}", resource)
      when { ${more.condition ?? 'resource.facts.upstreamOpenPiiFindings > 0'} };`,
  });

interface Listed {
  readonly items: PolicyViolation[];
  readonly nextCursor?: string;
  readonly evaluatedAt?: string;
  readonly notEvaluated: { policy: string; reason: string }[];
}

const violations = async (p: PrivacyProject, input: object = {}, as: object = {}) =>
  await p.call<Listed>('policy.violations', input, as);

/** A dataset with personal data, a run that read it, and version 1 of a model from that run. */
async function train(p: PrivacyProject): Promise<{ dataset: string; model: string; run: Run }> {
  const dataset = await p.dataset();
  await p.push(dataset, PERSONAL);
  const input = {
    dataset: { name: dataset, digest: 'x', sourceType: 'dais', source: `dais://${dataset}@1` },
    tags: {},
  };
  const run = await p.call<Run>('run.create', { experimentId: '0', name: `train on ${dataset}` });
  await p.call('run.logInputs', { id: run.id, datasets: [input] });
  const model = `model-${dataset}`;
  await p.call('model.create', { manifest: manifest('Model', model) });
  await p.call('modelVersion.create', { name: model, source: `${run.artifactUri}/model`, runId: run.id });
  return { dataset, model, run };
}

/** An endpoint that serves version 1 of a model. This world has no gateway: the state is written as the controller would. */
async function serve(p: PrivacyProject, name: string, model: string): Promise<void> {
  await p.call('endpoint.create', { manifest: manifest('Endpoint', name, { model: `models:/${model}/1` }) });
  const id = `served-${model}`;
  await world.db.asAdmin(
    `insert into serving.model (id, project_id, label, name, version, lineage_key, artifacts, description)
     select '${id}', m.project_id, 'models:/${model}/1', m.name, '1', 'model-version:' || m.id || '.1', 'x', '{}'
     from registry.model m where m.project_id = '${p.id}' and m.name = '${model}'`,
  );
  await world.db.asAdmin(
    `update serving.endpoint set stable = '${id}' where project_id = '${p.id}' and name = '${name}'`,
  );
}

describe('violations in production', () => {
  test('name the resource, the lineage path and the cause, and end when the cause does', async () => {
    const p = await world.project();
    const { dataset, model, run } = await train(p);
    await serve(p, 'late', model);
    await world.dais.apply([policy('endpoint:write')], {}, p.context);
    expect((await violations(p)).evaluatedAt).toBeUndefined();
    expect(await p.call('policy.evaluate', {})).toEqual({ resources: 1, violations: 1, complete: true });
    const { items, evaluatedAt, notEvaluated } = await violations(p);
    expect(evaluatedAt).toMatch(/^\d{4}-/);
    expect(notEvaluated).toEqual([]);
    expect(items).toMatchObject([
      {
        policy: `${p.name}/no-pii`,
        mode: 'audit',
        kind: 'Endpoint',
        name: 'late',
        result: 'violated',
        reason: 'Training data has open personal-data findings.',
        facts: { upstreamOpenPiiFindings: 1 },
      },
    ]);
    expect(items[0]?.path.map(({ type, name }) => `${type} ${name}`)).toEqual([
      'endpoint late',
      `model-version ${model}/1`,
      `run ${run.name}`,
      `dataset-version ${dataset}@1`,
      'cause open finding EMAIL_ADDRESS in column mail',
    ]);
    const [finding] = await p.findings(dataset, 'open');
    await p.call('datasetFinding.waive', { name: dataset, finding: finding?.id, reason: 'made up' });
    expect(await p.call('policy.evaluate', {})).toEqual({ resources: 1, violations: 0, complete: true });
    expect((await violations(p)).items).toEqual([]);
    const types = async () =>
      (await p.call<{ items: { type: string }[] }>('event.list', { limit: 100 })).items
        .map(({ type }) => type)
        .filter((type) => type.startsWith('policy.viol'))
        .toSorted();
    await expect.poll(types).toEqual(['policy.violated', 'policy.violation.ended']);
  });

  test('are found for aliases, page by page', async () => {
    const p = await world.project();
    const { model } = await train(p);
    for (const alias of ['a', 'b', 'c']) await p.call('modelAlias.set', { name: model, alias, version: '1' });
    const condition = 'context has alias && context.alias != "b" && resource.facts.upstreamOpenPiiFindings > 0';
    await world.dais.apply([policy('model:promote', { mode: 'enforce', condition })], {}, p.context);
    expect(await p.call('policy.evaluate', {})).toMatchObject({ resources: 3, violations: 2 });
    const first = await violations(p, { limit: 1 });
    expect(first.items).toMatchObject([{ kind: 'Model', name: model, alias: 'a', version: '1', mode: 'enforce' }]);
    expect(first.items[0]?.path[0]).toEqual({ type: 'alias', name: `${model}@a` });
    const second = await violations(p, { limit: 1, cursor: first.nextCursor });
    expect(second.items).toMatchObject([{ alias: 'c' }]);
    expect(second.nextCursor).toBeUndefined();
    await p.call('modelAlias.remove', { name: model, alias: 'a' });
    await p.call('policy.evaluate', {});
    expect((await violations(p)).items).toMatchObject([{ alias: 'c' }]);
    await expect(violations(p, { cursor: 'bm9uZQ' })).rejects.toThrow(/cursor/);
  });

  test('are unknown when a fact is unknown, with the reason', async () => {
    const p = await world.project();
    const { dataset, model } = await train(p);
    await p.call('modelAlias.set', { name: model, alias: 'champion', version: '1' });
    await world.db.asAdmin(`delete from privacy.scan where project_id = '${p.id}'`);
    await world.dais.apply([policy('model:promote')], {}, p.context);
    await p.call('policy.evaluate', {});
    const [found] = (await violations(p)).items;
    expect(found).toMatchObject({ result: 'unknown', facts: {} });
    expect(found?.reason).toContain(
      `The fact upstreamOpenPiiFindings is unknown: ${dataset}@1: It has not been scanned`,
    );
    expect(found?.path.at(-1)).toEqual({ type: 'cause', name: 'It has not been scanned for personal data.' });
  });

  test('hide unreadable objects', async () => {
    const p = await world.project();
    const viewer = await p.member('viewer');
    const { dataset, model } = await train(p);
    await p.call('modelAlias.set', { name: model, alias: 'champion', version: '1' });
    await world.db.asAdmin(`delete from privacy.scan where project_id = '${p.id}'`);
    await world.dais.apply([policy('model:promote')], {}, p.context);
    await p.call('policy.evaluate', {});
    const seen = async () => JSON.stringify(await violations(p, {}, viewer));
    expect(await seen()).toContain(dataset);
    const hide = (kind: string) =>
      manifest('Policy', 'hide', {
        cedar: `@id("hide") forbid(principal, action == Dais::Action::"${kind.toLowerCase()}:read", resource);`,
      });
    await world.dais.apply([hide('Dataset')], {}, p.context);
    const hidden = (await violations(p, {}, viewer)).items;
    expect(hidden).toHaveLength(1);
    expect(JSON.stringify(hidden)).not.toContain(`${dataset}@1`);
    expect(hidden[0]?.path.slice(-2)).toEqual([
      { type: 'dataset-version', name: 'hidden' },
      { type: 'cause', name: 'hidden' },
    ]);
    await world.dais.apply([hide('Model')], {}, p.context);
    expect((await violations(p, {}, viewer)).items).toEqual([]);
  });

  test('are not evaluated for policies that depend on a request, which are listed', async () => {
    const p = await world.project();
    const condition = 'context.mfa == false && resource.facts.upstreamOpenPiiFindings > 0';
    await world.dais.apply([policy('model:promote', { condition })], {}, p.context);
    expect((await violations(p)).notEvaluated).toEqual([
      {
        policy: `${p.name}/no-pii`,
        reason: 'It depends on the principal or the context of a request.',
      },
    ]);
  });

  test('are found after a change upstream without a request', { timeout: 60_000 }, async () => {
    const p = await world.project();
    const { dataset, model } = await train(p);
    const [finding] = await p.findings(dataset, 'open');
    await p.call('datasetFinding.waive', { name: dataset, finding: finding?.id, reason: 'made up' });
    await p.call('modelAlias.set', { name: model, alias: 'champion', version: '1' });
    await world.dais.apply([policy('model:promote')], {}, p.context);
    await p.call('datasetFinding.reopen', { name: dataset, finding: finding?.id, reason: 'it was not' });
    await expect.poll(async () => (await violations(p)).items.length).toBe(1);
  });

  test('end with the policy', async () => {
    const p = await world.project();
    const { model } = await train(p);
    await p.call('modelAlias.set', { name: model, alias: 'champion', version: '1' });
    await world.dais.apply([policy('model:promote')], {}, p.context);
    await p.call('policy.evaluate', {});
    expect((await violations(p)).items).toHaveLength(1);
    await p.call('policy.delete', { name: 'no-pii' });
    expect(await p.call('policy.evaluate', {})).toMatchObject({ violations: 0 });
    expect((await violations(p)).items).toEqual([]);
  });

  test('are listed for readers of policies, and evaluated on request of editors and operators only', async () => {
    const p = await world.project();
    const [viewer, operator] = [await p.member('viewer'), await p.member('operator')];
    expect((await violations(p, {}, viewer)).items).toEqual([]);
    await expect(p.call('policy.evaluate', {}, viewer)).rejects.toThrow(/permission policy:evaluate/);
    expect(await p.call('policy.evaluate', {}, operator)).toMatchObject({ complete: true });
  });
});
