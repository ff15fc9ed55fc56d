import { createHmac } from 'node:crypto';

/**
 * The headers of Standard Webhooks 1.0: HMAC-SHA256 over `id.timestamp.body`, so that neither the body, its id nor its
 * time can be changed. All attempts have the same id; the timestamp is that of the attempt, because receivers reject
 * old ones.
 * `key` is interpreted like in the reference libraries: `whsec_` with base64 bytes, or else the bytes of the text.
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
