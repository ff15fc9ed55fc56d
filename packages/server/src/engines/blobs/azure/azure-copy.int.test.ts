/** Copies that Azure completes later; Azurite completes them at once. */
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { systemClock } from '#lib/clock.ts';
import { TestNet } from '#lib/outbound/outbound.testing.ts';
import { testOutbound } from '#testing/dais-outbound.ts';
import { expectCode } from '../suite.ts';
import { openAzureBlobStore } from './azure-blob-store.ts';

let net: TestNet;
beforeEach(() => {
  net = new TestNet();
});
afterEach(async () => await net.end());

/** A server that returns these results of copies and of the requests for their state. */
async function against(copies: readonly (readonly [number, Record<string, string>])[], states: readonly string[]) {
  const seen: string[] = [];
  const [copying, checking] = [[...copies], [...states]];
  const origin = await net.serve((request, response) => {
    request.resume();
    request.once('end', () => {
      if (request.headers['x-ms-copy-source'] !== undefined) {
        seen.push('copy');
        response.writeHead(...(copying.shift() as [number, Record<string, string>])).end();
      } else if (request.method === 'HEAD') {
        seen.push('state');
        response.writeHead(200, { 'x-ms-copy-status': checking.shift()! }).end();
      } else {
        if (request.method === 'DELETE') seen.push('delete');
        response.writeHead(201).end();
      }
    });
  });
  const outbound = testOutbound();
  const credentials = { accountKey: Buffer.from('key').toString('base64') };
  const place = { account: 'a', container: 'c', endpoint: origin, credentials, blockBytes: 1000, backoffMs: 1 };
  const store = openAzureBlobStore({ ...place, outbound, clock: systemClock });
  const put = async () => await store.put(Readable.from([randomBytes(2500)]));
  return { put, seen, close: async () => await outbound.close() };
}

const pending = [202, { 'x-ms-copy-status': 'pending', 'x-ms-copy-id': 'id' }] as const;

test('waits for a copy', async () => {
  const azure = await against([pending], ['pending', 'pending', 'success']);
  await azure.put();
  expect(azure.seen).toEqual(['copy', 'state', 'state', 'state', 'delete']);
  await azure.close();
});

test('reports a copy that failed, and removes the temporary blob', async () => {
  const azure = await against([pending], ['pending', 'failed']);
  expect((await expectCode('blobs_unavailable', azure.put())).message).toContain('ended with the status failed');
  expect(azure.seen.at(-1)).toBe('delete');
  await azure.close();
});

test('repeats a copy while another process copies to the same name', async () => {
  const busy = [409, { 'x-ms-error-code': 'PendingCopyOperation' }] as const;
  const azure = await against([busy, busy, [202, { 'x-ms-copy-status': 'success' }]], []);
  await azure.put();
  expect(azure.seen).toEqual(['copy', 'copy', 'copy', 'delete']);
  await azure.close();
});
