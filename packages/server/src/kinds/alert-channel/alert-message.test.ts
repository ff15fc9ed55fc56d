import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { mailOf, slackBody, webhookBody, type Alert } from './alert-message.ts';

const alert: Alert = {
  type: 'monitor.breached',
  severity: 'critical',
  title: 'Delay model drifts',
  text: 'Two features moved.\nSee the report.',
  at: '2026-11-25T10:00:00.000Z',
  project: 'flights',
  subject: { kind: 'Monitor', name: 'delay-drift' },
  facts: [{ name: 'PSI', value: '0.31' }],
  url: 'https://dais.example.com/p/flights/monitors/delay-drift?a=1&b=2',
};

const anyAlert: fc.Arbitrary<Alert> = fc.record(
  {
    type: fc.constant('alert.test'),
    severity: fc.constantFrom('info', 'warning', 'critical'),
    title: fc.string({ unit: 'grapheme', maxLength: 500 }),
    text: fc.string({ unit: 'binary', maxLength: 6_000 }),
    at: fc.constant('2026-11-25T10:00:00.000Z'),
    project: fc.string({ unit: 'binary' }),
    subject: fc.record({ kind: fc.string(), name: fc.string({ unit: 'binary' }) }),
    facts: fc.array(fc.record({ name: fc.string(), value: fc.string({ unit: 'binary', maxLength: 700 }) }), {
      maxLength: 30,
    }),
    url: fc.webUrl(),
  },
  { requiredKeys: ['type', 'severity', 'title', 'at', 'project'] },
);

test('a webhook gets all fields as data', () => {
  expect(JSON.parse(webhookBody(alert))).toEqual({
    type: 'monitor.breached',
    timestamp: '2026-11-25T10:00:00.000Z',
    data: {
      severity: 'critical',
      title: 'Delay model drifts',
      text: 'Two features moved.\nSee the report.',
      project: 'flights',
      subject: { kind: 'Monitor', name: 'delay-drift' },
      facts: [{ name: 'PSI', value: '0.31' }],
      url: alert.url,
    },
  });
});

describe('a chat message', () => {
  test('contains subject, location and time', () => {
    const body = JSON.parse(slackBody(alert)) as { text: string; attachments: Record<string, unknown>[] };
    expect(body.text).toBe('Critical: Delay model drifts');
    expect(body.attachments[0]).toMatchObject({
      title: 'Delay model drifts',
      title_link: alert.url,
      text: 'Two features moved.\nSee the report.',
      color: '#cf222e',
      ts: 1_795_600_800,
    });
    expect(body.attachments[0]?.['fields']).toEqual([
      { title: 'Project', value: 'flights', short: true },
      { title: 'Monitor', value: 'delay-drift', short: true },
      { title: 'PSI', value: '0.31', short: true },
      { title: 'At', value: '2026-11-25T10:00:00.000Z', short: true },
    ]);
  });

  test('contains no mentions or hidden links, with any alert', () => {
    fc.assert(
      fc.property(anyAlert, (given) => {
        const { text, attachments } = JSON.parse(slackBody(given)) as {
          text: string;
          attachments: { title: string; text: string; fields: { title: string; value: string }[] }[];
        };
        const output = [
          text,
          ...attachments.flatMap((one) => [one.title, one.text, ...one.fields.flatMap((f) => [f.title, f.value])]),
        ];
        for (const one of output) expect(one).not.toMatch(/[<>]|@(?!\u200b)/);
        expect(slackBody(given).length).toBeLessThan(60_000);
      }),
    );
    expect(slackBody({ ...alert, title: '<!channel> @all' })).toContain('&lt;!channel&gt; @\u200ball');
  });
});

describe('a mail', () => {
  test('has the same content as text and as HTML', () => {
    const { subject, text, html } = mailOf(alert);
    expect(subject).toBe('[Dais] Critical: Delay model drifts');
    expect(text).toBe(`Delay model drifts

Two features moved.
See the report.

Project: flights
Monitor: delay-drift
PSI: 0.31
At: 2026-11-25T10:00:00.000Z

${alert.url}
`);
    expect(html).toContain('<b>Delay model drifts</b>');
    expect(html).toContain('href="https://dais.example.com/p/flights/monitors/delay-drift?a=1&amp;b=2"');
  });

  test('has a subject of one line and no markup of the alert’s own', () => {
    fc.assert(
      fc.property(anyAlert, (given) => {
        const { subject, html } = mailOf(given);
        expect(subject).not.toMatch(/[\p{Cc}\u2028\u2029]/u);
        expect(subject.length).toBeLessThanOrEqual(230);
        expect(subject.isWellFormed() || !given.title.isWellFormed()).toBe(true);
        expect(
          html.replaceAll(
            /<\/?(?:html|body|p|b|table|tr|th|td|a|!doctype html)(?: (?:style|align|href)="[^"<>]*")*>/g,
            '',
          ),
        ).not.toMatch(/[<>]/);
      }),
    );
    const evil = mailOf({ ...alert, title: 'x\r\nBcc: all@example.com', text: '<script>alert(1)</script>' });
    expect(evil.subject).toBe('[Dais] Critical: x Bcc: all@example.com');
    expect(evil.html).toContain('&lt;script&gt;');
  });
});
