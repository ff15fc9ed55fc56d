import { z } from 'zod';
import type { Issue } from '#errors.ts';
import { baseStatus, nameSchema, reference, type KindSpec } from '#manifest.ts';

const secretValue = z
  .strictObject({
    secret: reference('Secret').describe('Name of a Secret in the same project.'),
    key: z.string().min(1).max(128).describe('The key inside that Secret.'),
  })
  .describe('A value from a Secret.');

const webhook = z.strictObject({
  type: z.literal('webhook').describe('Sends a JSON body by POST, signed if `signingKey` is set.'),
  url: z
    .url({ protocol: /^https?$/ })
    .max(2048)
    .describe('Receives a JSON body by POST.'),
  signingKey: secretValue
    .optional()
    .describe('When given, each delivery is signed (Standard Webhooks, HMAC-SHA256) with this key.'),
});
const slack = z.strictObject({
  type: z.literal('slack').describe('An incoming webhook of Slack or of a compatible chat.'),
  url: secretValue.describe('The incoming-webhook URL. It is a credential, so store it in a Secret.'),
});
const pagerduty = z.strictObject({
  type: z.literal('pagerduty').describe('PagerDuty or a compatible Events API v2. Each alert is one incident.'),
  routingKey: secretValue.describe('The integration key of a service, from a Secret.'),
  url: z
    .url({ protocol: /^https?$/ })
    .max(2048)
    .default('https://events.pagerduty.com/v2/enqueue')
    .describe('URL of the Events API.'),
});
const alertmanager = z.strictObject({
  type: z.literal('alertmanager').describe('Alertmanager of Prometheus, API v2. It routes, groups and silences.'),
  url: z
    .url({ protocol: /^https?$/ })
    .max(2048)
    .describe('Base URL, without `/api/v2/alerts`.'),
  token: secretValue.optional().describe('Bearer token, optional.'),
});
const smtp = z.strictObject({
  type: z.literal('smtp').describe('Email.'),
  host: z.string().min(1).max(253).describe('Host name or IP address of the mail server.'),
  port: z.int().min(1).max(65_535).default(587).describe('Port of the mail server.'),
  security: z
    .enum(['starttls', 'tls', 'none'])
    .default('starttls')
    .describe('`starttls`: TLS after the greeting, required. `tls`: TLS from the first byte. `none`: unencrypted.'),
  from: z.email().describe('Email address of the sender.'),
  to: z.array(z.email()).min(1).max(50).describe('Email addresses of the receivers.'),
  username: z.string().max(256).optional().describe('User name for authentication with `password`, optional.'),
  password: secretValue.optional().describe('The password, from a Secret.'),
});

export const alertChannelSpec = z.strictObject({
  description: z.string().max(1024).optional().describe('The audience of the channel, in one sentence.'),
  send: z
    .discriminatedUnion('type', [webhook, slack, smtp, pagerduty, alertmanager])
    .describe('Destination of alerts.'),
  attempts: z
    .int()
    .min(1)
    .max(50)
    .default(12)
    .describe('Maximum attempts of one delivery, with backoff from 1 s to 10 min.'),
});

export const alertChannelStatus = z.strictObject({
  ...baseStatus,
  lastDeliveredAt: z.string().optional().describe('Time of the last successful delivery; RFC 3339, UTC.'),
  pending: z.int().optional().describe('Deliveries that are queued or being retried.'),
  lastFailure: z
    .strictObject({
      at: z.string().describe('RFC 3339, UTC.'),
      deliveryId: z.string().describe('Id, equal for all attempts.'),
      attempts: z.int().describe('Number of attempts.'),
      reason: z.string().describe('Error message.'),
      givenUp: z.boolean().describe('False: the delivery is retried.'),
    })
    .optional()
    .describe('The latest failed attempt.'),
});

/** Rules beyond JSON Schema: no credentials in plain text, and complete, encrypted mail settings. */
function checkAlertChannel({ send }: z.output<typeof alertChannelSpec>): Issue[] {
  if (send.type === 'webhook' || send.type === 'pagerduty' || send.type === 'alertmanager') {
    const { username, password } = new URL(send.url);
    return username === '' && password === ''
      ? []
      : [{ path: 'spec.send.url', message: 'contains a user name or password', expected: 'a URL without them' }];
  }
  if (send.type !== 'smtp') return [];
  const issues: Issue[] = [];
  if (send.username !== undefined && send.password === undefined) {
    issues.push({ path: 'spec.send.password', message: 'is required', expected: 'a password for `username`' });
  }
  if (send.password !== undefined && send.username === undefined) {
    issues.push({ path: 'spec.send.username', message: 'is required', expected: 'the user name for `password`' });
  }
  if (send.security === 'none' && send.password !== undefined) {
    const message = 'is "none", which would send the password unencrypted';
    issues.push({ path: 'spec.send.security', message, expected: 'starttls or tls' });
  }
  return issues;
}

export const alertChannelKind = {
  kind: 'AlertChannel',
  plural: 'alertchannels',
  shortNames: ['channel', 'channels'],
  scope: 'project',
  description:
    'A destination of alerts: a signed webhook, a Slack-compatible webhook, email, PagerDuty or Alertmanager. Deliveries are durable and retried with the same ID.',
  name: nameSchema,
  spec: alertChannelSpec,
  status: alertChannelStatus,
  check: checkAlertChannel,
  actions: [
    {
      verb: 'test',
      description: 'Sends a test alert through the channel and returns the ID of the delivery.',
      mode: 'write',
      input: z.strictObject({ message: z.string().max(1024).optional().describe('Text of the alert.') }),
      output: z.strictObject({ deliveryId: z.string().describe('Id, equal for all attempts.') }),
    },
  ],
  columns: [
    { title: 'Type', path: 'spec.send.type' },
    { title: 'Ready', path: 'status.conditions[Ready]' },
    { title: 'Pending', path: 'status.pending', wide: true },
  ],
  example: `apiVersion: dais.dev/v1
kind: AlertChannel
metadata:
  name: operations-desk
spec:
  description: The team on call at night
  send:
    type: webhook
    url: https://alerts.example.com/dais
`,
} as const satisfies KindSpec;
