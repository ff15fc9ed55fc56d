/** Tests policies like their author. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CliFixture } from '#testing/cli-fixture.ts';

let cli: CliFixture;
beforeAll(async () => {
  cli = await CliFixture.start({ 'authentication.mode': 'accounts' });
});
afterAll(async () => {
  await cli.stop();
});

const policy = (expected: string, action = 'secret:delete') => `apiVersion: dais.dev/v1
kind: OrganizationPolicy
metadata:
  name: no-deletion
spec:
  cedar: |
    @id("no-deletion") @message("Ask a person")
    forbid(principal is Dais::ServiceAccount, action == Dais::Action::"${action}", resource);
  tests:
    - name: programs do not delete
      principal: service:ci
      action: secret:delete
      resource: Secret/a
      expect: ${expected}
`;

async function file(name: string, text: string): Promise<string> {
  await writeFile(join(cli.folder, name), text);
  return name;
}

test('test prints the result of each case, and the position of an error in a policy', async () => {
  const good = await cli.run(['policy', 'test', await file('good.yaml', policy('refused'))]);
  expect(good).toMatchObject({ code: 0, err: '1 passed, 0 failed.\n' });
  expect(good.out).toBe('passed  OrganizationPolicy/no-deletion  programs do not delete\n');
  const bad = await cli.run(['policy', 'test', await file('bad.yaml', policy('silent'))]);
  expect(bad.code).toBe(1);
  expect(bad.out).toContain('expected silent, got refused (no-deletion)');
  const wrong = await cli.run(['policy', 'test', await file('wrong.yaml', policy('refused', 'secret:delet'))]);
  expect(wrong.code).toBe(7);
  expect(wrong.err).toContain('wrong.yaml:8');
  expect(wrong.err).toContain('secret:delete');
});

test('why prints who is allowed what, and how to allow an action', async () => {
  const manifests = `apiVersion: dais.dev/v1
kind: ServiceAccount
metadata: { name: ci }
spec: {}
---
${policy('refused')}`;
  expect(await cli.run(['apply', '-f', await file('all.yaml', manifests)])).toMatchObject({ code: 0 });
  const why = await cli.run(['policy', 'why', 'service:ci', 'secret:delete']);
  expect(why.out).toBe(
    'service:ci may not secret:delete Secret\n  forbid  no-deletion  Ask a person\nWhat would allow it: Policy "no-deletion": Ask a person\n',
  );
  const mine = await cli.run(['policy', 'why', 'me', 'secret:delete']);
  expect(mine.out).toContain('user:owner may secret:delete');
});

test('simulate requires requests to simulate', async () => {
  expect((await cli.run(['policy', 'simulate'])).code).toBe(7);
  expect((await cli.run(['policy', 'simulate', '--remove', 'Secret/x'])).code).toBe(7);
  const nothing = await cli.run(['policy', 'simulate', '--remove', 'OrganizationPolicy/no-deletion']);
  expect(nothing).toMatchObject({ code: 0, err: '0 of 0 decisions would change.\n' });
});

test('a policy with facts about upstream objects starts in audit mode; violations are listed', async () => {
  const guardrail = `apiVersion: dais.dev/v1
kind: Policy
metadata: { name: no-pii }
spec:
  cedar: |
    @id("no-pii") @message("Model has no recorded training data")
    forbid(principal, action == Dais::Action::"model:promote", resource)
    when { resource.facts.upstreamDatasetVersions == 0 };
`;
  const planned = await cli.run(['plan', '-f', await file('guardrail.yaml', guardrail)]);
  expect(planned.out).toContain('note: Policy "no-pii" uses upstream facts, so it is in audit mode');
  expect(await cli.run(['apply', '-f', 'guardrail.yaml'])).toMatchObject({ code: 0 });
  const before = await cli.run(['policy', 'violations']);
  expect(before).toMatchObject({ code: 0, out: '' });
  expect(before.err).toContain('The project was not evaluated yet');
  expect(await cli.run(['policy', 'violations', '--evaluate'])).toMatchObject({ code: 0, out: '' });
  expect((await cli.run(['policy', 'audited'])).err).toBe('Policies in audit mode would have denied no requests.\n');

  const model = 'apiVersion: dais.dev/v1\nkind: Model\nmetadata: { name: late }\nspec: {}\n';
  expect(await cli.run(['apply', '-f', await file('model.yaml', model)])).toMatchObject({ code: 0 });
  const { url, data } = cli.server;
  const token = (await readFile(join(data, 'owner-token'), 'utf8')).trim();
  const send = async (method: string, path: string, body: object) => {
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const answer = await fetch(`${url}${path}`, { method, headers, body: JSON.stringify(body) });
    expect(answer.status).toBeLessThan(300);
  };
  await send('POST', '/api/v1/registry/models/late/versions', { source: 's3://bucket/model' });
  await send('PUT', '/api/v1/registry/models/late/aliases/champion', { version: '1' });
  const { out } = await cli.run(['policy', 'violations', '--evaluate']);
  expect(out).toMatch(/Model late@champion \(version 1\) +default\/no-pii +audit +violated/);
  expect(out).toContain('policy default/no-pii: Model has no recorded training data.\n  alias late@champion\n');
  const json = JSON.parse((await cli.run(['policy', 'violations', '-o', 'json'])).out) as { items: object[] };
  expect(json.items).toMatchObject([{ kind: 'Model', name: 'late', alias: 'champion', version: '1' }]);
});
