/** Entries as RFC 5424 syslog, framed by their length (RFC 6587 §3.4.1), so that a message may hold anything. */
import type { AuditEntry } from '@dais/api/audit';
import { ecsDocument } from '#audit/ecs.ts';

/** Facility 13, log audit; severity 5 notice, 4 warning for denied or failed actions. */
const FACILITY = 13;
/** Private enterprise number of RFC 5612, for documentation: Dais has none. */
const ENTERPRISE = 32_473;

export function syslogFrame(entry: AuditEntry, host: string): Buffer {
  const severity = entry.outcome === 'succeeded' ? 5 : 4;
  const elements = {
    seq: String(entry.seq),
    type: entry.type,
    outcome: entry.outcome,
    actor: entry.actor.id,
    ...(entry.project !== undefined && { project: entry.project.name ?? entry.project.id }),
    ...(entry.subject !== undefined && { subject: `${entry.subject.kind}/${entry.subject.name}` }),
  };
  const structured = Object.entries(elements)
    .map(([name, value]) => ` ${name}="${value.replaceAll(/["\\\]]/g, '\\$&')}"`)
    .join('');
  const header = `<${FACILITY * 8 + severity}>1 ${entry.at} ${printable(host, 255)} dais - ${printable(entry.type, 32)}`;
  // The BOM marks the message as UTF-8.
  const message = `${header} [dais@${ENTERPRISE}${structured}] \uFEFF${JSON.stringify(ecsDocument(entry))}`;
  const bytes = Buffer.from(message, 'utf8');
  return Buffer.concat([Buffer.from(`${bytes.length} `, 'ascii'), bytes]);
}

/** Header fields are printable ASCII without spaces. */
function printable(text: string, length: number): string {
  return text.replaceAll(/[^\x21-\x7e]/g, '_').slice(0, length) || '-';
}
