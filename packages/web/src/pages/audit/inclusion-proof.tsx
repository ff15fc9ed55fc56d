import type { DaisError } from '@dais/api';
import { proveAuditEntryOperation } from '@dais/api/audit';
import { parseCheckpoint, toBase64 } from '@dais/api/tlog';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { auditStatus } from './audit-status.ts';
import { useConsole } from '#server/console-context.ts';
import { Button } from '#ui/controls.ts';
import { CopyButton } from '#ui/copy-button.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import './audit.css';

type Proof = (typeof proveAuditEntryOperation)['output']['_output'];

/** The proof that an entry is in the log, as a file for a person without access to the rest. */
export function InclusionProof({ seq }: { readonly seq: number }) {
  const { client } = useConsole();
  const queries = useQueryClient();
  const { mutate, data, error, isPending } = useMutation<Proof, DaisError>({
    mutationFn: async () => {
      const { size, checkpoint } = await queries.fetchQuery({ ...auditStatus(client), staleTime: 0 });
      // An entry that no checkpoint covers yet is proved against the current log.
      const covered = checkpoint !== undefined && seq < checkpoint.size;
      return await client.perform(proveAuditEntryOperation, { seq, ...(!covered && { size }) });
    },
  });
  return (
    <>
      <h3>Inclusion proof</h3>
      {data === undefined && (
        <Button variant="default" loading={isPending} onClick={() => mutate()}>
          Create proof
        </Button>
      )}
      {error !== null && <ErrorNote error={error} />}
      {data !== undefined && <Proven proof={data} />}
    </>
  );
}

function Proven({ proof }: { readonly proof: Proof }) {
  const signed = proof.checkpoint === undefined ? undefined : parseCheckpoint(proof.checkpoint);
  const fits = signed !== undefined && toBase64(signed.checkpoint.root) === proof.root;
  const file = `proof-${proof.seq}.json`;
  const command = `dais audit proof --check ${file} --public-key audit.key`;
  return (
    <div className="audit-proof" role="status">
      <StateBadge
        state={fits ? 'ok' : 'waiting'}
        word={fits ? 'Covered by a signed checkpoint' : 'Not covered by a checkpoint yet'}
      />
      <p>
        {proof.path.length} hashes link this entry to the root hash of {proof.size.toLocaleString('en')} entries
        {!fits && '; a checkpoint is signed about once a minute'}. This page does not verify them. Verify the proof with
        a public key that you stored outside of Dais.
      </p>
      <p>
        <Button variant="default" component="a" href={fileOf(proof)} download={file}>
          Download {file}
        </Button>
      </p>
      <div className="audit-command">
        <code>{command}</code>
        <CopyButton text={command} label="Copy command" />
      </div>
    </div>
  );
}

function fileOf(proof: Proof): string {
  return `data:application/json,${encodeURIComponent(`${JSON.stringify(proof, null, 2)}\n`)}`;
}
