import { maskMethods, type DaisError, type MaskMethod } from '@dais/api';
import {
  reopenFindingOperation,
  resolveFindingOperation,
  waiveFindingOperation,
  type DataFinding,
} from '@dais/api/data';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { dataKey } from './use-data.ts';
import { useClient } from '#server/console-context.ts';
import { Button, Modal, Select, Textarea, TextInput } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { toast } from '#ui/toast.ts';

export type FindingVerb = 'resolve' | 'waive' | 'reopen';

export interface FindingDialogProps {
  readonly project: string;
  readonly finding: DataFinding;
  readonly verb: FindingVerb;
  readonly close: () => void;
}

const MASKS: Readonly<Record<MaskMethod, string>> = {
  redact: 'Redact: hide the value',
  hash: 'Hash: equal values stay equal within this dataset',
  pseudonym: 'Pseudonym: equal values stay equal in all datasets of the project',
  generalize: 'Generalize: show a coarser value',
};

/** Confirms or rejects a finding in a column, with the resulting mask. */
export function FindingDialog({ project, finding, verb, close }: FindingDialogProps) {
  const { id, dataset, column, entity } = finding;
  const client = useClient(project);
  const queries = useQueryClient();
  const [mask, setMask] = useState<MaskMethod>('redact');
  const [reason, setReason] = useState('');
  const [days, setDays] = useState('');
  const { mutate, isPending, error } = useMutation<DataFinding, DaisError>({
    mutationFn: async () => {
      const one = { name: dataset, finding: id, reason: reason.trim() };
      if (verb === 'resolve') return await client.perform(resolveFindingOperation, { ...one, mask });
      if (verb === 'reopen') return await client.perform(reopenFindingOperation, one);
      return await client.perform(waiveFindingOperation, { ...one, ...(days !== '' && { days: Number(days) }) });
    },
    onSuccess: () => {
      toast({ title: DONE[verb], text: `${column} of ${dataset}` });
      void queries.invalidateQueries({ queryKey: dataKey(project) });
      close();
    },
  });
  const why =
    verb === 'waive' && reason.trim() === ''
      ? 'Enter a reason first. It is recorded with your name.'
      : verb === 'waive' && days !== '' && !/^[1-9]\d{0,3}$/.test(days)
        ? 'Days must be a whole number. Leave it empty for no end.'
        : undefined;
  return (
    <Modal opened onClose={close} title={QUESTIONS[verb](column, entity)}>
      <div className="confirm">
        {verb === 'resolve' && (
          <>
            <p>
              The column is masked for users without <code>dataset:unmask</code>, in rows, queries, charts and
              downloads.
            </p>
            <Select
              label="Masking method"
              value={mask}
              allowDeselect={false}
              data={maskMethods.map((value) => ({ value, label: MASKS[value] }))}
              onChange={(value) => setMask(value ?? 'redact')}
            />
          </>
        )}
        {verb === 'waive' && (
          <>
            <p>Everyone who can read the dataset sees the unmasked values.</p>
            <TextInput
              label="Days"
              description="The finding reopens afterwards. Leave empty for no end."
              inputMode="numeric"
              value={days}
              onChange={(event) => setDays(event.currentTarget.value.trim())}
            />
          </>
        )}
        <Textarea
          label="Reason"
          description="Recorded with your name and the time."
          value={reason}
          maxLength={4096}
          autosize
          minRows={2}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        {error !== null && <ErrorNote error={error} />}
        <div className="confirm-end">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <GuardedButton why={why} loading={isPending} onClick={() => mutate()}>
            {VERBS[verb]}
          </GuardedButton>
        </div>
      </div>
    </Modal>
  );
}

const VERBS: Readonly<Record<FindingVerb, string>> = {
  resolve: 'Mask column',
  waive: 'Waive finding',
  reopen: 'Reopen finding',
};

const DONE: Readonly<Record<FindingVerb, string>> = {
  resolve: 'Column masked',
  waive: 'Finding waived',
  reopen: 'Finding reopened',
};

const QUESTIONS: Readonly<Record<FindingVerb, (column: string, entity: string) => string>> = {
  resolve: (column, entity) => `Confirm ${entity} in ${column}`,
  waive: (column) => `Waive the finding in ${column}?`,
  reopen: (column) => `Reopen the finding in ${column}?`,
};
