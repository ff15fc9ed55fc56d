/** An alert and three of its forms: JSON for webhooks, a chat message, a mail. Pure. */

/** A notification for users. It never contains a secret, because the delivery job stores it. */
export interface Alert {
  /** What happened, for programs: `alert.test`, `monitor.breached`. */
  readonly type: string;
  readonly severity: 'info' | 'warning' | 'critical';
  /** One line for people. */
  readonly title: string;
  /** Further sentences, plain text. */
  readonly text?: string;
  /** RFC 3339, UTC. */
  readonly at: string;
  readonly project: string;
  /** The resource that it is about. */
  readonly subject?: { readonly kind: string; readonly name: string };
  /** Values that are shown one per line. */
  readonly facts?: readonly { readonly name: string; readonly value: string }[];
  /** The URL of a page of the console. */
  readonly url?: string;
  /**
   * The same for all notifications of one alert, so that receivers deduplicate it. Default: each notification is
   * unique.
   */
  readonly key?: string;
  /** Default `raised`. */
  readonly state?: 'raised' | 'acknowledged' | 'resolved';
  /** RFC 3339, UTC: when it was raised. Default: `at`. */
  readonly raisedAt?: string;
  /** What to do about it. */
  readonly runbook?: string;
}

const MAX_TITLE = 200;
const MAX_TEXT = 4_000;
const MAX_FACTS = 20;
const COLORS: Readonly<Record<Alert['severity'], string>> = {
  info: '#2f6feb',
  warning: '#d29922',
  critical: '#cf222e',
};

/** The body of a webhook, in the shape that Standard Webhooks recommends: type, timestamp, data. */
export function webhookBody(alert: Alert): string {
  const { type, at, ...data } = alert;
  return JSON.stringify({ type, timestamp: at, data });
}

/**
 * The body of a Slack-compatible incoming webhook. Attachments, not blocks: Mattermost and Rocket.Chat read them too.
 * Nothing in an alert can mention people or channels, or turn into a link that was not meant.
 */
export function slackBody(alert: Alert): string {
  const title = chatText(clip(oneLine(alert.title), MAX_TITLE));
  const text = alert.text === undefined ? '' : chatText(clip(alert.text, MAX_TEXT));
  return JSON.stringify({
    text: `${severityWord(alert)}: ${title}`,
    attachments: [
      {
        fallback: `${severityWord(alert)}: ${title}`,
        color: COLORS[alert.severity],
        title,
        ...(alert.url !== undefined && { title_link: alert.url }),
        text,
        fields: detailsOf(alert).map(({ name, value }) => ({
          title: chatText(clip(name, 100)),
          value: chatText(clip(value, 500)),
          short: value.length <= 40,
        })),
        footer: 'Dais',
        ts: Math.floor(Date.parse(alert.at) / 1000),
      },
    ],
  });
}

export interface Mail {
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** A mail with the same content as text and as HTML. The subject is one line, so it cannot inject headers. */
export function mailOf(alert: Alert): Mail {
  const title = clip(oneLine(alert.title), MAX_TITLE);
  const details = detailsOf(alert).map(({ name, value }) => ({
    name: clip(oneLine(name), 100),
    value: clip(oneLine(value), 500),
  }));
  const body = alert.text === undefined ? undefined : clip(alert.text, MAX_TEXT);
  const text = [
    title,
    ...(body === undefined ? [] : ['', body]),
    '',
    ...details.map(({ name, value }) => `${name}: ${value}`),
    ...(alert.url === undefined ? [] : ['', alert.url]),
    '',
  ].join('\n');
  const rows = details.map(
    ({ name, value }) =>
      `<tr><th align="left" style="padding:2px 12px 2px 0">${html(name)}</th><td>${html(value)}</td></tr>`,
  );
  return {
    subject: `[Dais] ${severityWord(alert)}: ${title}`,
    text,
    html: [
      '<!doctype html><html><body style="font-family:sans-serif;font-size:14px">',
      `<p style="border-left:4px solid ${COLORS[alert.severity]};padding-left:8px;font-size:16px"><b>${html(title)}</b></p>`,
      ...(body === undefined ? [] : [`<p style="white-space:pre-wrap">${html(body)}</p>`]),
      `<table>${rows.join('')}</table>`,
      ...(alert.url === undefined ? [] : [`<p><a href="${html(alert.url)}">${html(alert.url)}</a></p>`]),
      '</body></html>',
    ].join('\n'),
  };
}

function detailsOf(alert: Alert): { readonly name: string; readonly value: string }[] {
  return [
    { name: 'Project', value: alert.project },
    ...(alert.subject === undefined ? [] : [{ name: alert.subject.kind, value: alert.subject.name }]),
    ...(alert.facts ?? []).slice(0, MAX_FACTS),
    { name: 'At', value: alert.at },
  ];
}

function severityWord(alert: Alert): string {
  return alert.severity.charAt(0).toUpperCase() + alert.severity.slice(1);
}

/** Control characters (line ends among them) become blanks. */
export function oneLine(text: string): string {
  return text.replaceAll(/\p{Cc}+|[\u2028\u2029]+/gu, ' ').trim();
}

/** Cuts between characters, never inside a surrogate pair. */
export function clip(text: string, most: number): string {
  if (text.length <= most) return text;
  const cut = text.slice(0, most - 1);
  return `${cut.isWellFormed() ? cut : cut.slice(0, -1)}…`;
}

/**
 * Slack interprets `<…>` as links and mentions, so `&`, `<` and `>` are escaped; Mattermost and Rocket.Chat read `@all`
 * in plain text, so a zero-width space follows every `@`.
 */
function chatText(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('@', '@\u200b');
}

function html(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
