import { type DaisError } from '@dais/api';
import { adjudicateOperation, reviewAnnotationOperation, type Annotation, type LabelTask } from '@dais/api/data';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { labelsKey, type LabelTasks } from './use-labels.ts';
import { cellText } from '#pages/data/data-words.ts';
import { useClient } from '#server/console-context.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { Button, Modal, Textarea } from '#ui/controls.ts';
import { EmptyState } from '#ui/empty-state.tsx';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';
import { toast } from '#ui/toast.ts';

type Decision = 'accepted' | 'rejected' | 'settled';

interface PendingDecision {
  readonly annotation: Annotation;
  readonly decision: Decision;
}

export interface TaskListProps {
  readonly project: string;
  readonly name: string;
  readonly found: LabelTasks;
}

/** Tasks with their annotations, each with the actions to accept or reject it. */
export function TaskList({ project, name, found }: TaskListProps) {
  const { tasks, more, loadMore, loading, error, again } = found;
  const [pending, setPending] = useState<PendingDecision>();
  const why = useWhyNotDo(project, 'LabelSet', ['labelset:review'])('labelset:review');
  if (error !== null) return <ErrorNote error={error} retry={again} />;
  if (tasks === undefined) return <Skeleton rows={6} />;
  if (tasks.length === 0) return <EmptyState sentence="No tasks in this state." />;
  return (
    <>
      <PlainTable
        label="Tasks and labels"
        rows={tasks}
        keyOf={({ number }) => number}
        columns={[
          { title: 'Task', narrow: true, cell: ({ number, external }) => <span title={external}>{number}</span> },
          { title: 'Item', cell: ({ data }) => <TaskData data={data} /> },
          {
            title: 'Labels',
            cell: (task) => <Annotations task={task} why={why} decide={setPending} />,
          },
        ]}
      />
      {more && (
        <p className="labels-bar">
          <Button variant="default" loading={loading} onClick={loadMore}>
            Show more tasks
          </Button>
        </p>
      )}
      {pending !== undefined && (
        <DecisionDialog
          key={`${pending.annotation.id} ${pending.decision}`}
          project={project}
          set={name}
          pending={pending}
          close={() => setPending(undefined)}
        />
      )}
    </>
  );
}

function TaskData({ data }: { readonly data: LabelTask['data'] }) {
  return (
    <span className="labels-data">
      {Object.entries(data)
        .slice(0, 6)
        .map(([key, value]) => (
          <span key={key} title={cellText(value).slice(0, 2000)}>
            <span className="dim">{key}</span> {cellText(value).slice(0, 160)}{' '}
          </span>
        ))}
    </span>
  );
}

interface AnnotationsProps {
  readonly task: LabelTask;
  readonly why: string | undefined;
  readonly decide: (pending: PendingDecision) => void;
}

function Annotations({ task: { annotations }, why, decide }: AnnotationsProps) {
  const differ = new Set(annotations.map(({ label }) => label.toSorted().join('\n'))).size > 1;
  const button = (annotation: Annotation, decision: Decision, word: string) => (
    <GuardedButton size="compact-xs" variant="default" why={why} onClick={() => decide({ annotation, decision })}>
      {word}
    </GuardedButton>
  );
  return (
    <ul className="labels-annotations">
      {annotations.map((annotation) => {
        const decision = annotation.reviews.at(-1);
        return (
          <li key={annotation.id}>
            {annotation.canceled ? (
              <span className="dim">skipped</span>
            ) : (
              annotation.label.map((label) => (
                <span key={label} className="label-chip">
                  {label}
                </span>
              ))
            )}
            <span>
              {annotation.annotator}{' '}
              <span className="dim">
                {annotation.guideline === 0 ? '' : `guideline ${annotation.guideline} `}
                <Time at={new Date(annotation.labeledAt ?? annotation.importedAt).toISOString()} />
              </span>
            </span>
            {decision === undefined ? (
              <>
                {button(annotation, 'accepted', 'Accept')}
                {button(annotation, 'rejected', 'Reject')}
                {differ && button(annotation, 'settled', 'Choose')}
              </>
            ) : (
              <StateBadge
                state={decision.decision === 'accepted' ? 'ok' : 'off'}
                word={decision.decision}
                why={`${decision.by.id}${decision.reason === '' ? '' : `: ${decision.reason}`}`}
              />
            )}
          </li>
        );
      })}
    </ul>
  );
}

interface DecisionDialogProps {
  readonly project: string;
  readonly set: string;
  readonly pending: PendingDecision;
  readonly close: () => void;
}

const QUESTIONS: Readonly<Record<Decision, (label: string) => string>> = {
  accepted: (label) => `Accept ${label}?`,
  rejected: (label) => `Reject ${label}?`,
  settled: (label) => `Choose ${label}?`,
};

const VERBS: Readonly<Record<Decision, string>> = { accepted: 'Accept', rejected: 'Reject', settled: 'Choose label' };

function DecisionDialog({ project, set, pending: { annotation, decision }, close }: DecisionDialogProps) {
  const client = useClient(project);
  const queries = useQueryClient();
  const [reason, setReason] = useState('');
  const { mutate, isPending, error } = useMutation<unknown, DaisError>({
    mutationFn: async () => {
      const one = { set, annotation: annotation.id, reason: reason.trim() };
      return decision === 'settled'
        ? await client.perform(adjudicateOperation, one)
        : await client.perform(reviewAnnotationOperation, { ...one, decision });
    },
    onSuccess: () => {
      toast({ title: VERBS[decision], text: `Task ${annotation.task} of ${set}` });
      void queries.invalidateQueries({ queryKey: labelsKey(project) });
      close();
    },
  });
  const why = decision === 'settled' && reason.trim() === '' ? 'Enter a reason first.' : undefined;
  return (
    <Modal opened onClose={close} title={QUESTIONS[decision](annotation.label.join(', ') || 'this label')}>
      <div className="confirm">
        <p>By {annotation.annotator}. Annotators cannot review their own labels.</p>
        <Textarea
          label="Reason"
          description="Recorded with your name and the time."
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
          <GuardedButton why={why} loading={isPending} onClick={() => mutate()}>
            {VERBS[decision]}
          </GuardedButton>
        </div>
      </div>
    </Modal>
  );
}
