import { createHmac } from 'node:crypto';

/**
 * The headers of Standard Webhooks 1.0: HMAC-SHA256 over `id.timestamp.body`, so that neither the body, its id nor its time
 * can be changed. The id stays the same over all attempts; the timestamp is that of the attempt, because receivers refuse
 * old ones.
 *
 * `key` is taken as the reference libraries take it: `whsec_` and base64 of the bytes, or else the text's own bytes.
 * `atSeconds` is Unix time.
 */
export function signatureHeaders(
  key: string | undefined,
  deliveryId: string,
  atSeconds: number,
  body: string,
): Readonly<Record<string, string>> {
  const headers = { 'webhook-id': deliveryId, 'webhook-timestamp': String(atSeconds) };
  if (key === undefined) return headers;
  const bytes = key.startsWith('whsec_') ? Buffer.from(key.slice('whsec_'.length), 'base64') : Buffer.from(key, 'utf8');
  const signature = createHmac('sha256', bytes).update(`${deliveryId}.${atSeconds}.${body}`).digest('base64');
  return { ...headers, 'webhook-signature': `v1,${signature}` };
}
