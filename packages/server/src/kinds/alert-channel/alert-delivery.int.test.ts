import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createTcpServer, type AddressInfo, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { DaisError } from '@dais/api';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';
import { Webhook } from 'standardwebhooks';
import { afterEach, describe, expect, test } from 'vitest';
import { makeCertificates, type TestCertificates } from '#lib/crypto/certificates.testing.ts';
import { createOutbound, type OutboundOptions } from '#lib/outbound/outbound.ts';
import type { Alert } from './alert-message.ts';
import { sendAlert } from './alert-delivery.ts';
import type { Route } from './alert-route.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

const alert: Alert = {
  type: 'alert.test',
  severity: 'info',
  title: 'Grüße — a test',
  text: 'It works.',
  at: '2026-11-25T10:00:00.000Z',
  project: 'flights',
};

async function send(
  route: Route,
  options: Partial<OutboundOptions> = {},
  signal = new AbortController().signal,
  sent: Alert = alert,
) {
  const outbound = createOutbound({
    proxy: { noProxy: [] },
    allowHosts: ['127.0.0.1'],
    userAgent: 'dais/test',
    fail: (code, detail, cause) => new DaisError(code, detail, { cause }),
    ...options,
  });
  try {
    return await sendAlert({ route, alert: sent, deliveryId: 'd-1', now: Date.now(), outbound, signal });
  } finally {
    await outbound.close();
  }
}

interface Received {
  readonly path: string;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

async function receiver(answer: (response: ServerResponse) => void = (response) => response.end('ok')) {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    void text(request).then((body) => {
      received.push({ path: request.url ?? '', headers: request.headers, body });
      answer(response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  ends.push(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

describe('by webhook', () => {
  test('arrives signed, and the reference library accepts it', async () => {
    const { url, received } = await receiver();
    const signingKey = `whsec_${Buffer.alloc(24, 5).toString('base64')}`;
    expect(await send({ type: 'webhook', url: `${url}/hook`, signingKey })).toEqual({ ok: true });
    const [got] = received;
    expect(got).toMatchObject({ path: '/hook', headers: { 'webhook-id': 'd-1', 'content-type': 'application/json' } });
    const verified = new Webhook(signingKey).verify(got!.body, got!.headers as Record<string, string>);
    expect(verified).toMatchObject({ type: 'alert.test', data: { title: 'Grüße — a test' } });
  });

  test.each([
    [200, undefined],
    [204, undefined],
    [301, false],
    [308, false],
    [400, false],
    [401, false],
    [404, false],
    [408, true],
    [410, false],
    [422, false],
    [425, true],
    [429, true],
    [500, true],
    [501, true],
    [503, true],
  ])('an answer of %i: retryable %s', async (status, retryable) => {
    const { url } = await receiver((response) =>
      response.writeHead(status, { location: 'http://10.0.0.1/' }).end('hunter2'),
    );
    const sent = await send({ type: 'webhook', url: `${url}/secret-path` });
    expect(sent).toMatchObject(retryable === undefined ? { ok: true } : { ok: false, retryable });
    expect(JSON.stringify(sent)).not.toMatch(/hunter2|secret-path|10\.0\.0\.1/);
  });

  test('a wait that the receiver asks for is passed on, up to an hour', async () => {
    const wait = async (value: string, status = 429) => {
      const { url } = await receiver((response) => response.writeHead(status, { 'retry-after': value }).end());
      return await send({ type: 'webhook', url });
    };
    expect(await wait('7')).toMatchObject({ retryable: true, retryAfterMs: 7_000 });
    expect(await wait('999999')).toMatchObject({ retryAfterMs: 3_600_000 });
    expect(await wait('soon')).not.toHaveProperty('retryAfterMs');
    expect(await wait('7', 400)).not.toHaveProperty('retryAfterMs');
  });

  test('an endless answer is not waited for', async () => {
    const { url } = await receiver((response) => response.writeHead(200).write('a'));
    expect(await send({ type: 'webhook', url })).toEqual({ ok: true });
  });

  test('an internal address fails permanently', async () => {
    const { url, received } = await receiver();
    const sent = await send({ type: 'webhook', url: `${url}/secret-path` }, { allowHosts: [] });
    expect(sent).toMatchObject({ ok: false, retryable: false, detail: expect.stringContaining('outbound.allowHosts') });
    expect(JSON.stringify(sent)).not.toContain('secret-path');
    expect(received).toEqual([]);
  });

  test('a receiver that is away may come back', async () => {
    const { url } = await receiver();
    await ends.pop()?.();
    expect(await send({ type: 'webhook', url })).toMatchObject({ ok: false, retryable: true });
  });

  test('a stop is neither success nor failure', async () => {
    const { url } = await receiver();
    const reason = new Error('stopping');
    await expect(send({ type: 'webhook', url }, {}, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

describe('by chat', () => {
  test('arrives as a message, and its URL stays secret', async () => {
    const { url, received } = await receiver();
    expect(await send({ type: 'slack', url: `${url}/T0/B0/x` })).toEqual({ ok: true });
    expect(JSON.parse(received[0]!.body)).toMatchObject({ text: 'Info: Grüße — a test' });
    const broken = await receiver((response) => response.writeHead(404).end('no_service'));
    const sent = await send({ type: 'slack', url: `${broken.url}/T0/B0/x` });
    expect(sent).toEqual({ ok: false, retryable: false, detail: 'the receiver responds with status 404' });
  });
});

describe('by mail', () => {
  interface Relay {
    readonly port: number;
    readonly mails: {
      readonly from: string;
      readonly to: string[];
      readonly body: string;
      readonly secure: boolean;
      readonly user: unknown;
    }[];
  }

  async function relay(options: SMTPServerOptions = {}): Promise<Relay> {
    const mails: Relay['mails'] = [];
    const server = new SMTPServer({
      authOptional: true,
      onData: (stream, session, done) => {
        let body = '';
        stream.on('data', (chunk: Buffer) => (body += chunk.toString('utf8')));
        stream.on('end', () => {
          const { mailFrom, rcptTo } = session.envelope;
          const from = mailFrom === false ? '' : mailFrom.address;
          const to = rcptTo.map((one) => one.address);
          mails.push({ from, to, body, secure: session.secure, user: session.user });
          done();
        });
      },
      onAuth: (auth, _session, done) => {
        if (auth.username === 'dais' && auth.password === 'hunter2') return done(null, { user: auth.username });
        return done(Object.assign(new Error('wrong: hunter2'), { responseCode: 535 }));
      },
      ...options,
    });
    server.on('error', () => {});
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
    ends.push(async () => await new Promise<void>((resolve) => server.close(resolve)));
    return { port: (server.server.address() as AddressInfo).port, mails };
  }

  const route = (port: number, more: Partial<Extract<Route, { type: 'smtp' }>> = {}): Route => ({
    type: 'smtp',
    host: '127.0.0.1',
    port,
    security: 'none',
    from: 'dais@example.com',
    to: ['a@example.com', 'b@example.com'],
    ...more,
  });

  let certificates: TestCertificates | undefined;
  const tls = async () => (certificates ??= await makeCertificates(['mail.internal']));

  test('arrives with a stable Message-ID', async () => {
    const { port, mails } = await relay({ disabledCommands: ['STARTTLS', 'AUTH'] });
    expect(await send(route(port))).toEqual({ ok: true });
    expect(await send(route(port))).toEqual({ ok: true });
    expect(mails).toHaveLength(2);
    for (const mail of mails) {
      expect(mail).toMatchObject({ from: 'dais@example.com', to: ['a@example.com', 'b@example.com'], secure: false });
      expect(mail.body).toContain('Message-ID: <d-1@example.com>');
      expect(mail.body).toContain('Subject: =?UTF-8?');
      expect(mail.body).toContain('Date: Wed, 25 Nov 2026 10:00:00 +0000');
      expect(mail.body).toContain('Auto-Submitted: auto-generated');
      expect(mail.body).toContain('It works.');
    }
  });

  test.each(['starttls', 'tls'] as const)('%s: encrypted, with user name and password', async (security) => {
    const { ca, cert, key } = await tls();
    const { port, mails } = await relay({ cert, key, secure: security === 'tls', authOptional: false });
    const auth = { security, username: 'dais', password: 'hunter2' };
    expect(await send(route(port, auth), { extraCa: ca })).toEqual({ ok: true });
    const resolve = async () => [{ address: '127.0.0.1', family: 4 as const }];
    const named = { ...auth, host: 'mail.internal' };
    expect(await send(route(port, named), { extraCa: ca, allowHosts: ['mail.internal'], resolve })).toEqual({
      ok: true,
    });
    expect(mails).toMatchObject([
      { secure: true, user: 'dais' },
      { secure: true, user: 'dais' },
    ]);
    const wrong = await send(route(port, { ...auth, password: 'wrong' }), { extraCa: ca });
    expect(wrong).toMatchObject({
      ok: false,
      retryable: false,
      detail: expect.stringContaining('user name and password'),
    });
    expect(JSON.stringify(wrong)).not.toMatch(/hunter2|wrong/);
  });

  test.each(['starttls', 'tls'] as const)('%s: a certificate that is not trusted stops it', async (security) => {
    const { cert, key } = await tls();
    const { port, mails } = await relay({ cert, key, secure: security === 'tls' });
    expect(await send(route(port, { security }))).toMatchObject({
      ok: false,
      detail: expect.stringMatching(/certificate.*outbound\.extraCa/),
    });
    expect(mails).toEqual([]);
  });

  test('STARTTLS that is not offered is not done without', async () => {
    const { port, mails } = await relay({ disabledCommands: ['STARTTLS', 'AUTH'], hideSTARTTLS: true });
    expect(await send(route(port, { security: 'starttls' }))).toMatchObject({
      ok: false,
      retryable: false,
      detail: expect.stringContaining('STARTTLS'),
    });
    expect(mails).toEqual([]);
  });

  test('a password is not sent in the clear', async () => {
    const { port, mails } = await relay({ disabledCommands: ['STARTTLS'], allowInsecureAuth: true });
    const sent = await send(route(port, { username: 'dais', password: 'hunter2' }));
    expect(sent).toMatchObject({ ok: false, retryable: false, detail: expect.stringContaining('does not offer TLS') });
    expect(mails).toEqual([]);
  });

  test.each([
    [450, true],
    [550, false],
  ])('a relay that answers %i: retryable %s', async (responseCode, retryable) => {
    const { port } = await relay({
      disabledCommands: ['STARTTLS', 'AUTH'],
      onRcptTo: (_address, _session, done) => done(Object.assign(new Error('no: hunter2'), { responseCode })),
    });
    const sent = await send(route(port));
    expect(sent).toMatchObject({ ok: false, retryable, detail: expect.stringContaining(String(responseCode)) });
    expect(JSON.stringify(sent)).not.toContain('hunter2');
  });

  test('reports the recipients that the relay rejects', async () => {
    const { port, mails } = await relay({
      disabledCommands: ['STARTTLS', 'AUTH'],
      onRcptTo: (address, _session, done) =>
        address.address.startsWith('b') ? done(Object.assign(new Error('no'), { responseCode: 550 })) : done(),
    });
    expect(await send(route(port))).toMatchObject({
      ok: false,
      retryable: false,
      detail: '127.0.0.1 accepted the mail but rejected 1 of 2 recipients',
    });
    expect(mails).toMatchObject([{ to: ['a@example.com'] }]);
  });

  test('an internal relay is rejected, and an unavailable one is retried', async () => {
    const { port, mails } = await relay({ disabledCommands: ['STARTTLS', 'AUTH'] });
    expect(await send(route(port), { allowHosts: [] })).toMatchObject({ ok: false, retryable: false });
    expect(mails).toEqual([]);
    await ends.pop()?.();
    expect(await send(route(port))).toMatchObject({ ok: false, retryable: true });
  });

  test('a stop ends a conversation in its middle', async () => {
    const sockets: Socket[] = [];
    const server = createTcpServer((socket) => sockets.push(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    ends.push(async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    });
    const stop = new AbortController();
    const reason = new Error('stopping');
    server.once('connection', () => stop.abort(reason));
    await expect(send(route((server.address() as AddressInfo).port), {}, stop.signal)).rejects.toBe(reason);
  });
});

describe('to on-call services', () => {
  const reported: Alert = {
    ...alert,
    type: 'monitor.alert.raised',
    severity: 'critical',
    title: 'delays: drift of delays is bad',
    text: 'distance drifts.',
    subject: { kind: 'Monitor', name: 'delays' },
    facts: [{ name: 'Window', value: '7' }],
    url: 'https://dais.example.com/projects/flights/monitors/delays?window=7',
    runbook: 'https://wiki.example.com/drift',
    key: '0199c1b2-8f00-7001-9c6e-5a3f40000001',
    state: 'raised',
    raisedAt: '2026-11-25T09:00:00.000Z',
  };
  const bodiesOf = (received: readonly Received[]) => received.map(({ body }) => JSON.parse(body) as unknown);

  test('PagerDuty gets events of one incident in its format', async () => {
    const { url, received } = await receiver((response) => response.writeHead(202).end());
    const route: Route = { type: 'pagerduty', url: `${url}/v2/enqueue`, routingKey: 'r0ut1ng' };
    for (const state of ['raised', 'acknowledged', 'resolved'] as const) {
      expect(await send(route, {}, undefined, { ...reported, state })).toEqual({ ok: true });
    }
    expect(received.map(({ path }) => path)).toEqual(['/v2/enqueue', '/v2/enqueue', '/v2/enqueue']);
    expect(bodiesOf(received)).toMatchObject(
      ['trigger', 'acknowledge', 'resolve'].map((action) => ({
        routing_key: 'r0ut1ng',
        event_action: action,
        dedup_key: reported.key,
        payload: {
          summary: reported.title,
          source: 'flights/Monitor/delays',
          severity: 'critical',
          timestamp: reported.at,
          custom_details: { text: 'distance drifts.', Window: '7' },
        },
        links: [{ href: reported.url }, { href: reported.runbook, text: 'Runbook' }],
      })),
    );
  });

  test('an event that PagerDuty rejects is not retried; a rate-limited one is', async () => {
    for (const [status, retryable] of [
      [400, false],
      [429, true],
    ] as const) {
      const { url } = await receiver((response) => response.writeHead(status).end());
      const sent = await send({ type: 'pagerduty', url, routingKey: 'r0ut1ng' });
      expect(sent).toMatchObject({ ok: false, retryable });
      expect(JSON.stringify(sent)).not.toContain('r0ut1ng');
    }
  });

  test('Alertmanager gets the same labels when it is raised and when it is resolved', async () => {
    const { url, received } = await receiver();
    const route: Route = { type: 'alertmanager', url: `${url}/prefix/`, token: 't0ken' };
    expect(await send(route, {}, undefined, reported)).toEqual({ ok: true });
    const resolved: Alert = { ...reported, title: 'good again', state: 'resolved', at: '2026-11-25T11:00:00.000Z' };
    expect(await send(route, {}, undefined, resolved)).toEqual({ ok: true });
    expect(await send(route)).toEqual({ ok: true });
    expect(received[0]).toMatchObject({ path: '/prefix/api/v2/alerts', headers: { authorization: 'Bearer t0ken' } });
    const labels = {
      alertname: 'DaisMonitor',
      project: 'flights',
      name: 'delays',
      severity: 'critical',
      dais_key: reported.key,
    };
    const startsAt = reported.raisedAt;
    const [raised, over, test] = bodiesOf(received) as [{ labels: object; endsAt: string }][];
    expect(raised).toMatchObject([
      { labels, startsAt, annotations: { runbook_url: reported.runbook }, generatorURL: reported.url },
    ]);
    // Without a later end Alertmanager would end it after 5 minutes.
    expect(Date.parse(raised![0].endsAt)).toBeGreaterThan(Date.parse(reported.at) + 30 * 86_400_000);
    expect(over).toMatchObject([{ labels, startsAt, endsAt: '2026-11-25T11:00:00.000Z' }]);
    expect(over![0].labels).toEqual(raised![0].labels);
    expect(test).toMatchObject([{ labels: { alertname: 'DaisAlert' }, endsAt: '2026-11-25T10:05:00.000Z' }]);
  });
});
