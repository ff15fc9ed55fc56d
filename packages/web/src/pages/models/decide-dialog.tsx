import type { DaisError } from '@dais/api';
import { approveOperation, rejectOperation, withdrawApprovalOperation, type Approval } from '@dais/api/registry';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { ApprovalStory } from './approval-story.tsx';
import { missingWords, moveWords } from './approval-words.ts';
import { useClient } from '#server/console-context.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { Button, Modal, Textarea } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { toast } from '#ui/toast.ts';

export interface DecideDialogProps {
  readonly project: string;
  readonly approval: Approval;
  readonly close: () => void;
}

const DONE = { approve: 'Approved', reject: 'Rejected', withdraw: 'Withdrawn' } as const;

/** Approves or rejects a request, with a recorded reason. */
export function DecideDialog({ project, approval, close }: DecideDialogProps) {
  const client = useClient(project);
  const queries = useQueryClient();
  const [reason, setReason] = useState('');
  const { model, version, number, missing } = approval;
  const refused = useWhyNotDo(project, 'Model', ['model:approve', 'model:promote'], model);
  const { mutate, isPending, error } = useMutation<unknown, DaisError, keyof typeof DONE>({
    mutationFn: async (verb) => {
      const one = { name: model, number: String(number) };
      if (verb === 'withdraw') return await client.perform(withdrawApprovalOperation, one);
      return verb === 'approve'
        ? await client.perform(approveOperation, { ...one, reason })
        : await client.perform(rejectOperation, { ...one, reason });
    },
    onSuccess: (_, verb) => {
      toast({ title: DONE[verb], text: `Version ${version} of ${model}: ${moveWords(approval)}` });
      void queries.invalidateQueries({ queryKey: ['registry', project] });
      close();
    },
  });
  return (
    <Modal opened onClose={close} title={`Decide on version ${version} of ${model}: ${moveWords(approval)}`} size="lg">
      <div className="confirm">
        <ApprovalStory approval={approval} project={project} />
        {missing.length > 0 && (
          <p>
            Still missing: <strong>{missingWords(missing)}</strong>.
          </p>
        )}
        <Textarea
          label="Reason"
          description="Recorded with your name and the time. Required for a rejection."
          data-autofocus
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
          <GuardedButton
            why={refused('model:promote')}
            hint="This withdraws the request"
            variant="default"
            loading={isPending}
            onClick={() => mutate('withdraw')}
          >
            Withdraw
          </GuardedButton>
          <GuardedButton
            why={refused('model:approve') ?? (reason.trim() === '' ? 'Enter a reason first.' : undefined)}
            color="red"
            loading={isPending}
            onClick={() => mutate('reject')}
          >
            Reject
          </GuardedButton>
          <GuardedButton why={refused('model:approve')} loading={isPending} onClick={() => mutate('approve')}>
            Approve
          </GuardedButton>
        </div>
      </div>
    </Modal>
  );
}
