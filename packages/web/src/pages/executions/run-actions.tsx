import type { DaisError } from '@dais/api';
import {
  cancelExecutionOperation,
  deleteExecutionOperation,
  retryExecutionOperation,
  type Execution,
} from '@dais/api/executions';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useState } from 'react';
import type { Marks } from './marks.ts';
import { againFrom, type AgainPlan } from './run-again.ts';
import { executionKey } from './use-execution.ts';
import type { Edge } from './use-marks.ts';
import { executionAddress, executionsAddress } from '#addresses.ts';
import { useClient } from '#server/console-context.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { Confirm } from '#ui/confirm.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { toast } from '#ui/toast.ts';

export interface RunActionsProps {
  readonly project: string;
  readonly run: Execution;
  readonly marks: Marks;
  /** Of the execution itself, not of its groups. */
  readonly edges: readonly Edge[];
  readonly chosen: string | undefined;
}

type OpenDialog = 'cancel' | 'again' | 'from' | 'delete';

/** Actions of an execution. */
export function RunActions({ project, run, marks, edges, chosen }: RunActionsProps) {
  const [dialog, setDialog] = useState<OpenDialog>();
  const why = useWhyNotDo(project, 'Execution', ['execution:cancel', 'execution:submit', 'execution:delete']);
  const goesOn = run.endedAt === undefined;
  const step = chosen?.split('/')[0];
  const close = () => setDialog(undefined);
  const ended = 'The job has ended.';
  const notEnded = 'The job is active. Cancel it first, or wait until it ends.';
  return (
    <>
      {goesOn ? (
        <GuardedButton
          variant="default"
          why={run.cancelRequested ? 'The job is already being canceled.' : why('execution:cancel')}
          onClick={() => setDialog('cancel')}
        >
          Cancel
        </GuardedButton>
      ) : (
        <>
          {step !== undefined && marks.size > 1 && (
            <GuardedButton variant="default" why={why('execution:submit')} onClick={() => setDialog('from')}>
              Rerun from {step}
            </GuardedButton>
          )}
          <GuardedButton variant="default" why={why('execution:submit')} onClick={() => setDialog('again')}>
            Rerun
          </GuardedButton>
        </>
      )}
      <GuardedButton
        variant="default"
        why={goesOn ? notEnded : why('execution:delete')}
        onClick={() => setDialog('delete')}
      >
        Delete
      </GuardedButton>
      {dialog === 'cancel' && <CancelRun project={project} run={run} ended={ended} close={close} />}
      {dialog === 'again' && (
        <RunAgain project={project} run={run} plan={againFrom(marks, [], undefined)} close={close} />
      )}
      {dialog === 'from' && <RunAgain project={project} run={run} plan={againFrom(marks, edges, step)} close={close} />}
      {dialog === 'delete' && <DeleteRun project={project} run={run} close={close} />}
    </>
  );
}

interface DialogProps {
  readonly project: string;
  readonly run: Execution;
  readonly close: () => void;
}

function CancelRun({ project, run, ended, close }: DialogProps & { readonly ended: string }) {
  const client = useClient(project);
  const queries = useQueryClient();
  const { mutate, isPending, error } = useMutation<Execution, DaisError>({
    mutationFn: async () => await client.perform(cancelExecutionOperation, { id: run.id }),
    onSuccess: (now) => {
      queries.setQueryData(executionKey(project, run.id), now);
      toast({ title: now.endedAt === undefined ? `Canceling ${run.name}` : `${run.name}: ${ended}` });
      close();
    },
  });
  return (
    <Confirm title={`Cancel ${run.name}?`} verb="Cancel job" busy={isPending} confirm={() => mutate()} close={close}>
      <p>No further steps start, and running steps are stopped. You can rerun the job afterwards.</p>
      {error !== null && <ErrorNote error={error} />}
    </Confirm>
  );
}

const NAMED = 12;

function RunAgain({ project, run, plan, close }: DialogProps & { readonly plan: AgainPlan }) {
  const client = useClient(project);
  const navigate = useNavigate();
  const { again, runs, kept } = plan;
  const { mutate, isPending, error } = useMutation<Execution, DaisError>({
    mutationFn: async () => await client.perform(retryExecutionOperation, { id: run.id, again: [...again] }),
    onSuccess: (made) => {
      close();
      void navigate(executionAddress(project, made.id));
    },
  });
  return (
    <Confirm title={`Rerun ${run.name}?`} verb="Rerun" harmless busy={isPending} confirm={() => mutate()} close={close}>
      <p>
        This creates a new job with the same plan and code. <strong>{namesText(runs)}</strong>{' '}
        {runs.length === 1 ? 'runs' : 'run'}
        {kept.length === 0 ? '.' : '; unchanged successful steps are reused: '}
        {kept.length > 0 && <strong>{namesText(kept)}</strong>}
        {kept.length > 0 && '.'}
      </p>
      {error !== null && <ErrorNote error={error} />}
    </Confirm>
  );
}

function namesText(names: readonly string[]): string {
  if (names.length === 0) return 'No step';
  const more = names.length - NAMED;
  return `${names.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more.toLocaleString('en')} more` : ''}`;
}

function DeleteRun({ project, run, close }: DialogProps) {
  const client = useClient(project);
  const navigate = useNavigate();
  const { mutate, isPending, error } = useMutation<object, DaisError>({
    mutationKey: executionKey(project, run.id),
    mutationFn: async () => await client.perform(deleteExecutionOperation, { id: run.id }),
    onSuccess: () => {
      toast({ title: `${run.name} deleted` });
      void navigate(executionsAddress(project));
    },
  });
  return (
    <Confirm title={`Delete ${run.name}?`} verb="Delete" busy={isPending} confirm={() => mutate()} close={close}>
      <p>This deletes the job with its logs, code and output files. You cannot undo this.</p>
      {error !== null && <ErrorNote error={error} />}
    </Confirm>
  );
}
