import type { OutboundAnswer } from '#lib/outbound/outbound.ts';

const FULL = new Set(['quotaExceeded', 'storageQuotaExceeded']);

interface ErrorDocument {
  readonly error?: { readonly message?: unknown; readonly errors?: readonly { readonly reason?: unknown }[] };
}

/** The reason of a response (`notFound`, `forbidden`). */
export function gcsCode({ body }: OutboundAnswer<Buffer>): string {
  const reason = parse(body).error?.errors?.[0]?.reason;
  return typeof reason === 'string' && /^\w{1,64}$/.test(reason) ? reason : '';
}

/** A missing bucket has the same status and reason as a missing object. */
export function isBucketMissing({ status, body }: OutboundAnswer<Buffer>): boolean {
  return status === 404 && /bucket (?:does not|doesn't) exist/i.test(body.toString('utf8'));
}

/** What a response means and what to change; undefined for a general message. */
export function gcsRefusal(
  answer: OutboundAnswer<Buffer>,
  doing: string,
  where: string,
): { readonly detail: string; readonly full?: boolean } | undefined {
  const code = gcsCode(answer);
  if (FULL.has(code) || answer.status === 507)
    return { detail: `${where} is full (${code} while ${doing})`, full: true };
  if (isBucketMissing(answer)) return { detail: `${where} does not exist: create it or correct blobs.bucket` };
  if (answer.status === 401) {
    return {
      detail: `${where} rejected the credentials (${code}): check blobs.credentialsFile or the service account`,
    };
  }
  if (code === 'accountDisabled') return { detail: `the billing account of ${where} is disabled (${code}): enable it` };
  if (code === 'retentionPolicyNotMet' || code === 'objectUnderActiveHold') {
    return { detail: `${where} does not allow ${doing} (${code}): remove its retention policy or hold` };
  }
  if (answer.status === 403) {
    const remedy = 'grant roles/storage.objectUser on the bucket to the service account';
    return { detail: `the credentials do not allow ${doing} in ${where} (${code}): ${remedy}` };
  }
  return undefined;
}

function parse(body: Buffer): ErrorDocument {
  try {
    const value: unknown = JSON.parse(body.toString('utf8'));
    return typeof value === 'object' && value !== null ? value : {};
  } catch {
    return {};
  }
}
