import { readAuditKeyOperation } from '@dais/api/audit';
import { parseVerifierKey } from '@dais/api/tlog';
import { useQuery } from '@tanstack/react-query';
import { auditStatus } from './audit-status.ts';
import { verification, type AuditStatus } from './verification.ts';
import { useConsole } from '#server/console-context.ts';
import { CopyButton } from '#ui/copy-button.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { KeyValue } from '#ui/key-value.tsx';
import { Panel } from '#ui/panel.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import './audit.css';

/** While a page stays open. */
const POLL_MS = 30_000;

/** Integrity of the log as verified by Dais, and how to verify it independently. */
export function AuditState() {
  const { client } = useConsole();
  const { data, error, refetch } = useQuery({ ...auditStatus(client), refetchInterval: POLL_MS });
  const key = useQuery({
    queryKey: ['audit-key'],
    queryFn: async ({ signal }) => await client.perform(readAuditKeyOperation, {}, { signal }),
    staleTime: Infinity,
  }).data?.verifierKey;
  return (
    <Panel
      title="Audit log integrity"
      actions={
        <a href="docs/guide/audit-log" target="_blank" rel="noreferrer">
          Audit log guide
        </a>
      }
    >
      {error !== null && <ErrorNote error={error} retry={() => void refetch()} />}
      {data === undefined && error === null && <Skeleton rows={4} />}
      {data !== undefined && <State status={data} verifierKey={key} />}
    </Panel>
  );
}

function State({ status, verifierKey }: { readonly status: AuditStatus; readonly verifierKey: string | undefined }) {
  const { size, checkpoint, check, archived, hold, root } = status;
  const verified = verification(status);
  const key = verifierKey === undefined ? undefined : parseVerifierKey(verifierKey);
  const unsigned = size - (checkpoint?.size ?? 0);
  return (
    <div className="audit-state">
      <p>
        <StateBadge state={verified.state} word={verified.word} />
      </p>
      {check.findings.length > 0 && (
        <ul className="audit-findings">
          {check.findings.slice(0, 20).map(({ type, message }) => (
            <li key={`${type} ${message}`}>{message}</li>
          ))}
        </ul>
      )}
      <KeyValue
        label="The log"
        pairs={[
          {
            key: 'entries',
            value: (
              <>
                {size.toLocaleString('en')} <span className="dim">root hash</span>{' '}
                <code title={root}>{root.slice(0, 8)}</code> <CopyButton text={root} label="Copy root hash" />
              </>
            ),
          },
          {
            key: 'signed',
            about: 'The newest checkpoint: a signature over the size and root hash of the log.',
            value:
              checkpoint === undefined ? (
                <span className="dim">none yet</span>
              ) : (
                <>
                  {checkpoint.size.toLocaleString('en')} {checkpoint.size === 1 ? 'entry' : 'entries'},{' '}
                  <Time at={checkpoint.at} /> <CopyButton text={checkpoint.note} label="Copy checkpoint" />
                  {unsigned > 0 && <div className="dim">{unsigned.toLocaleString('en')} not covered yet</div>}
                </>
              ),
          },
          ...(check.completeAt === undefined
            ? []
            : [
                {
                  key: 'verified',
                  about: 'Verified by the server, entry by entry.',
                  value: <Time at={check.completeAt} />,
                },
              ]),
          {
            key: 'key',
            about: 'Verifies checkpoints. Keep a copy outside of Dais.',
            value:
              key === undefined || verifierKey === undefined ? (
                <span className="dim">–</span>
              ) : (
                <>
                  <code>{key.keyHash}</code> <CopyButton text={verifierKey} label="Copy public key" />
                </>
              ),
          },
          ...(archived > 0
            ? [
                {
                  key: 'archived',
                  value: `the first ${archived.toLocaleString('en')} entries; search does not include them`,
                },
              ]
            : []),
          ...(hold === undefined ? [] : [{ key: 'legal hold', value: hold }]),
        ]}
      />
      <p className="dim">
        The server verifies the log every day. To verify it independently, run <code>dais audit verify</code> with
        stored checkpoints and the public key.
      </p>
    </div>
  );
}
