import type { DaisError } from '@dais/api';
import {
  abortRolloutOperation,
  pauseRolloutOperation,
  promoteRolloutOperation,
  resumeRolloutOperation,
  rollBackOperation,
  type Rollout,
} from '@dais/api/serving';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import type { EndpointScope } from './use-endpoint.ts';
import { useClient } from '#server/console-context.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { Button, Modal, Textarea } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';

const VERBS = {
  promote: { title: 'Promote', operation: promoteRolloutOperation },
  pause: { title: 'Pause', operation: pauseRolloutOperation },
  resume: { title: 'Resume', operation: resumeRolloutOperation },
  abort: { title: 'Abort', operation: abortRolloutOperation },
  revert: { title: 'Roll back', operation: rollBackOperation },
} as const;
type Verb = keyof typeof VERBS;

/** Confirms an action that moves traffic, with an optional reason. */
type ConfirmedVerb = 'promote' | 'abort' | 'revert';
const CONFIRMED: ReadonlySet<Verb> = new Set<ConfirmedVerb>(['promote', 'abort', 'revert']);

export interface RolloutVerbsProps {
  readonly scope: EndpointScope;
  readonly last: Rollout | undefined;
}

/** Actions on a rollout in progress, or on a completed one. */
export function RolloutVerbs({ scope, last }: RolloutVerbsProps) {
  const { project, name, key } = scope;
  const client = useClient(project);
  const queries = useQueryClient();
  const [dialog, setDialog] = useState<ConfirmedVerb>();
  const why = useWhyNotDo(project, 'Endpoint', ['endpoint:deploy'], name)('endpoint:deploy');
  const act = useMutation<Rollout, DaisError, { readonly verb: Verb; readonly reason: string }>({
    mutationFn: async ({ verb, reason }) => await client.perform(VERBS[verb].operation, { endpoint: name, reason }),
    onSuccess: () => setDialog(undefined),
    onSettled: () => void queries.invalidateQueries({ queryKey: key }),
  });
  if (last === undefined) return null;
  const underWay = last.state === 'running' || last.state === 'paused';
  const verbs: readonly Verb[] = underWay
    ? [last.state === 'paused' ? 'resume' : 'pause', 'abort', 'promote']
    : ['revert'];
  return (
    <>
      {act.error !== null && dialog === undefined && <ErrorNote error={act.error} />}
      {verbs.map((verb) => (
        <GuardedButton
          key={verb}
          size="compact-xs"
          variant={verb === 'promote' ? 'filled' : 'default'}
          why={why}
          loading={act.isPending && act.variables.verb === verb}
          onClick={() => {
            act.reset();
            if (needsConfirmation(verb)) setDialog(verb);
            else act.mutate({ verb, reason: '' });
          }}
        >
          {VERBS[verb].title}
        </GuardedButton>
      ))}
      {dialog !== undefined && (
        <VerbDialog
          verb={dialog}
          name={name}
          rollout={last}
          busy={act.isPending}
          error={act.error}
          act={(reason) => act.mutate({ verb: dialog, reason })}
          close={() => setDialog(undefined)}
        />
      )}
    </>
  );
}

function needsConfirmation(verb: Verb): verb is ConfirmedVerb {
  return CONFIRMED.has(verb);
}

interface VerbDialogProps {
  readonly verb: ConfirmedVerb;
  readonly name: string;
  readonly rollout: Rollout;
  readonly busy: boolean;
  readonly error: DaisError | null;
  readonly act: (reason: string) => void;
  readonly close: () => void;
}

function VerbDialog({ verb, name, rollout, busy, error, act, close }: VerbDialogProps) {
  const [reason, setReason] = useState('');
  return (
    <Modal opened onClose={close} title={`${VERBS[verb].title}: ${name}`}>
      <div className="confirm">
        <p>{consequence(verb, rollout)}</p>
        <Textarea
          label="Reason"
          description="Optional. Recorded with your name and the time."
          value={reason}
          maxLength={1000}
          autosize
          minRows={2}
          onChange={(event) => setReason(event.currentTarget.value)}
        />
        {error !== null && <ErrorNote error={error} />}
        <div className="confirm-end">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button loading={busy} onClick={() => act(reason.trim())}>
            {VERBS[verb].title} now
          </Button>
        </div>
      </div>
    </Modal>
  );
}

function consequence(verb: ConfirmedVerb, { from, to }: Rollout): string {
  if (verb === 'promote') return `${to} gets all traffic immediately. The remaining steps are skipped.`;
  const other = from ?? 'the previous version';
  return verb === 'abort'
    ? `${to} gets no more traffic. All traffic goes to ${other}.`
    : `${other} replaces ${to} immediately. Deploy the newer version to restore it.`;
}
