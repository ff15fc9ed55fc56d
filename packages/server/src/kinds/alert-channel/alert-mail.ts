import { DaisError } from '@dais/api';
import { codeText } from '#lib/outbound/failure-text.ts';
import type { Outcome } from '#lib/http/webhook-response.ts';
import type { Outbound } from '#lib/outbound/outbound.ts';
import { mailOf, type Alert } from './alert-message.ts';

export interface MailRoute {
  readonly type: 'smtp';
  readonly host: string;
  readonly port: number;
  /** `starttls`: fails without it; `tls`: from the first byte; `none`: a relay inside the network. */
  readonly security: 'starttls' | 'tls' | 'none';
  readonly from: string;
  readonly to: readonly string[];
  readonly username?: string;
  readonly password?: string;
}

/** RFC 5321 §4.5.3.2 requires minutes; an alert is retried instead. */
const SILENCE_MS = 30_000;

/**
 * Delivers to the relay with the delivery id in Message-ID, so that mail programs show a repeated delivery once.
 * Throws DaisErrors of the outbound client when there is no connection.
 */
export async function sendMail(
  route: MailRoute,
  alert: Alert,
  deliveryId: string,
  outbound: Outbound,
  signal: AbortSignal,
): Promise<Outcome> {
  const { host, port, security } = route;
  if (security === 'none' && route.password !== undefined) {
    throw new DaisError('address_refused', `${host} does not offer TLS, so no password is sent`);
  }
  const { createTransport } = await import('nodemailer');
  const connection = await outbound.connect(host, port, signal);
  const stop = () => connection.destroy();
  signal.addEventListener('abort', stop, { once: true });
  const transport = createTransport({
    host,
    port,
    connection,
    secure: security === 'tls',
    requireTLS: security === 'starttls',
    ignoreTLS: security === 'none',
    tls: { ...(outbound.secureContext !== undefined && { secureContext: outbound.secureContext }) },
    greetingTimeout: SILENCE_MS,
    socketTimeout: SILENCE_MS,
    // A mail contains only these fields: no attachment may be a file or a URL.
    disableFileAccess: true,
    disableUrlAccess: true,
    ...(route.username !== undefined &&
      route.password !== undefined && { auth: { user: route.username, pass: route.password } }),
  });
  try {
    const domain = route.from.split('@').at(-1);
    const info = await transport.sendMail({
      from: { name: 'Dais', address: route.from },
      to: [...route.to],
      ...mailOf(alert),
      messageId: `<${deliveryId}@${domain}>`,
      date: new Date(alert.at),
      // RFC 3834: prevents automatic replies.
      headers: { 'Auto-Submitted': 'auto-generated' },
    });
    const lost = info.rejected.length;
    if (lost === 0) return { ok: true };
    return {
      ok: false,
      retryable: false,
      detail: `${host} accepted the mail but rejected ${lost} of ${route.to.length} recipients`,
    };
  } catch (error) {
    signal.throwIfAborted();
    return mailOutcome(error as MailError, `${host}:${port}`);
  } finally {
    signal.removeEventListener('abort', stop);
    transport.close();
    connection.destroy();
  }
}

interface MailError extends Error {
  /** `EAUTH`, `ETLS`, … */
  readonly code?: string;
  /** The server's three digits. */
  readonly responseCode?: number;
  readonly command?: string;
  /** The system's own code when nodemailer has put its own over it. */
  readonly originalCode?: string;
}

/** Uses only the code and the command: the text of a server may repeat what it received. */
function mailOutcome(error: MailError, where: string): Outcome {
  const { code, responseCode, command } = error;
  if (responseCode !== undefined && responseCode >= 400) {
    // RFC 5321 §4.2.1: 4yz is transient, 5yz permanent.
    const retryable = responseCode < 500;
    const at = command === undefined ? '' : ` at ${command.split(' ')[0]}`;
    const why = code === 'EAUTH' ? ': it rejects the user name and password' : '';
    return { ok: false, retryable, detail: `${where} responds with ${responseCode}${at}${why}` };
  }
  if (code === 'EAUTH')
    return {
      ok: false,
      retryable: false,
      detail: `${where} does not support authentication with a user name and password`,
    };
  const why = codeText(error.originalCode ?? code ?? '') ?? `did not accept the mail (${code ?? error.name})`;
  return { ok: false, retryable: true, detail: `${where} ${why}` };
}
