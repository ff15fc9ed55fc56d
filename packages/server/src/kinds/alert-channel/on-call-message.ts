/** Alerts in the formats of on-call services: PagerDuty (Events API v2) and Alertmanager (API v2). Pure. */
import { clip, oneLine, type Alert } from './alert-message.ts';

/** As PagerDuty has them. */
const MAX_SUMMARY = 1024;
const MAX_TEXT = 4_000;
const ACTIONS = { raised: 'trigger', acknowledged: 'acknowledge', resolved: 'resolve' } as const;

const DAY_MS = 86_400_000;
/** Alertmanager ends alerts without an end after 5 minutes: a Dais alert stays open until it is resolved. */
const OPEN_MS = 365 * DAY_MS;
/** An alert without a resolution, such as a test, ends automatically. */
const ALONE_MS = 300_000;

/** `key`: the same for all notifications of one alert; PagerDuty groups them into one incident. */
export function pagerdutyBody(
  alert: Alert,
  { routingKey, key }: { readonly routingKey: string; readonly key: string },
): string {
  const { state = 'raised', severity, title, text, at, project, subject, url, runbook, facts = [] } = alert;
  const links = [
    ...(url === undefined ? [] : [{ href: url, text: 'Report' }]),
    ...(runbook === undefined ? [] : [{ href: runbook, text: 'Runbook' }]),
  ];
  return JSON.stringify({
    routing_key: routingKey,
    event_action: ACTIONS[state],
    dedup_key: key,
    client: 'Dais',
    ...(url !== undefined && { client_url: url }),
    ...(links.length > 0 && { links }),
    payload: {
      summary: clip(oneLine(title), MAX_SUMMARY),
      source: subject === undefined ? project : `${project}/${subject.kind}/${subject.name}`,
      severity,
      timestamp: at,
      ...(subject !== undefined && { component: subject.name }),
      group: project,
      class: alert.type,
      custom_details: {
        ...(text !== undefined && { text: clip(text, MAX_TEXT) }),
        ...Object.fromEntries(facts.map(({ name, value }) => [name, clip(value, 500)])),
      },
    },
  });
}

/** Labels identify the alert and never change; annotations describe its current state. */
export function alertmanagerBody(alert: Alert, key: string): string {
  const { state = 'raised', severity, title, text, at, project, subject, url, runbook, raisedAt = at } = alert;
  const now = Date.parse(at);
  const openMs = alert.key === undefined ? ALONE_MS : OPEN_MS;
  const endsAt = state === 'resolved' ? at : new Date(now + openMs).toISOString();
  return JSON.stringify([
    {
      labels: {
        alertname: `Dais${subject?.kind ?? 'Alert'}`,
        project,
        ...(subject !== undefined && { name: subject.name }),
        severity,
        dais_key: key,
      },
      annotations: {
        summary: clip(oneLine(title), MAX_SUMMARY),
        ...(text !== undefined && { description: clip(text, MAX_TEXT) }),
        ...(runbook !== undefined && { runbook_url: runbook }),
        ...(state === 'acknowledged' && { acknowledged: 'true' }),
      },
      startsAt: raisedAt,
      endsAt,
      ...(url !== undefined && { generatorURL: url }),
    },
  ]);
}
