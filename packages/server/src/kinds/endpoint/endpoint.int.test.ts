import { afterAll, beforeAll, expect, test } from 'vitest';
import { startHttpFixture, type HttpFixture } from '#http/testing/http-fixture.ts';
import { project } from '#kinds/project/index.ts';
import { endpoint } from './index.ts';

let fixture: HttpFixture;
beforeAll(async () => {
  fixture = await startHttpFixture({ kinds: [project, endpoint] });
});
afterAll(async () => await fixture.stop());

test('a endpoint that is applied becomes ready', async () => {
  const body = endpoint.spec.example;
  const headers = { 'content-type': 'application/yaml' };
  const applied = await fetch(`${fixture.url}/api/v1/apply`, { method: 'POST', headers, body });
  expect(applied.status).toBe(200);
  const ready = async () => {
    const answer = await fetch(`${fixture.url}/api/v1/endpoints/first-endpoint`);
    const { status } = (await answer.json()) as { status: { conditions?: { type: string; status: string }[] } };
    return status.conditions?.find((condition) => condition.type === 'Ready')?.status;
  };
  await expect.poll(ready, { timeout: 20_000 }).toBe('True');
});
