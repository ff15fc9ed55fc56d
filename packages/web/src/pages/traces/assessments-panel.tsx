import type { DaisError } from '@dais/api';
import { createAssessmentOperation, deleteAssessmentOperation, type Assessment, type Trace } from '@dais/api/tracking';
import { useMutation, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';
import { assessmentText, typedValue } from './trace-words.ts';
import { traceKey } from './use-traces.ts';
import { useClient } from '#server/console-context.ts';
import { principalOf, useSession } from '#server/session.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { Button, Modal, Select, Textarea, TextInput } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Time } from '#ui/time.tsx';
import '#ui/notes.css';

export interface AssessmentsPanelProps {
  readonly project: string;
  readonly trace: Trace;
}

const ACTIONS = ['assessment:create', 'assessment:delete'] as const;

/** Assessments of the response by people and programs, and expectations. */
export function AssessmentsPanel({ project, trace }: AssessmentsPanelProps) {
  const client = useClient(project);
  const queries = useQueryClient();
  const [judging, setJudging] = useState(false);
  const why = useWhyNotDo(project, 'Assessment', ACTIONS);
  const { mutate, error } = useMutation<unknown, DaisError, Assessment>({
    mutationFn: async ({ id, traceId }) => await client.perform(deleteAssessmentOperation, { traceId, id }),
    onSuccess: async () => await queries.invalidateQueries({ queryKey: traceKey(project, trace.id) }),
  });
  const { assessments } = trace;
  return (
    <Panel
      title="Assessments"
      flush={assessments.length > 0}
      actions={
        <GuardedButton
          size="compact-xs"
          variant="default"
          why={why('assessment:create')}
          onClick={() => setJudging(true)}
        >
          Add assessment
        </GuardedButton>
      }
    >
      {error !== null && <ErrorNote error={error} />}
      {assessments.length === 0 ? (
        <p className="dim">No assessments yet.</p>
      ) : (
        <PlainTable
          label="Assessments of this trace"
          rows={assessments}
          keyOf={({ id }) => id}
          columns={[
            {
              title: 'Value',
              cell: (one) => (
                <>
                  {one.kind === 'expectation' && <span className="dim">expected: </span>}
                  {one.valid ? assessmentText(one) : <s title="Replaced by a correction">{assessmentText(one)}</s>}
                  {one.error?.message !== undefined && <div className="dim">{one.error.message}</div>}
                </>
              ),
            },
            { title: 'Rationale', cell: ({ rationale }) => rationale },
            {
              title: 'Source',
              narrow: true,
              cell: ({ source, updatedAt }) => (
                <>
                  {source.id} <span className="dim">{source.type.toLowerCase().replaceAll('_', ' ')}</span>{' '}
                  <Time at={new Date(updatedAt).toISOString()} />
                </>
              ),
            },
            {
              title: '',
              narrow: true,
              cell: (one) => (
                <GuardedButton
                  size="compact-xs"
                  variant="subtle"
                  why={why('assessment:delete')}
                  hint={`Delete ${one.name}`}
                  onClick={() => mutate(one)}
                >
                  Delete
                </GuardedButton>
              ),
            },
          ]}
        />
      )}
      {judging && <JudgeDialog project={project} trace={trace} close={() => setJudging(false)} />}
    </Panel>
  );
}

interface JudgeDialogProps extends AssessmentsPanelProps {
  readonly close: () => void;
}

function JudgeDialog({ project, trace, close }: JudgeDialogProps) {
  const client = useClient(project);
  const queries = useQueryClient();
  const session = useSession();
  const [kind, setKind] = useState<'feedback' | 'expectation'>('feedback');
  const [name, setName] = useState('');
  const [value, setValue] = useState('');
  const [rationale, setRationale] = useState('');
  const who = session === undefined ? '' : (principalOf(session) ?? '').replace(/^[a-z]+:/, '');
  const { mutate, isPending, error } = useMutation<unknown, DaisError>({
    mutationFn: async () =>
      await client.perform(createAssessmentOperation, {
        traceId: trace.id,
        kind,
        name: name.trim(),
        value: typedValue(value),
        source: { type: 'HUMAN', id: who },
        ...(rationale.trim() !== '' && { rationale }),
      }),
    onSuccess: async () => {
      await queries.invalidateQueries({ queryKey: traceKey(project, trace.id) });
      close();
    },
  });
  const ready = name.trim() !== '' && value.trim() !== '';
  return (
    <Modal opened onClose={close} title="Add assessment" size="lg">
      <form
        className="confirm"
        onSubmit={(event) => {
          event.preventDefault();
          if (ready) mutate();
        }}
      >
        <Select
          label="Kind"
          value={kind}
          data={[
            { value: 'feedback', label: 'Feedback' },
            { value: 'expectation', label: 'Expectation' },
          ]}
          allowDeselect={false}
          onChange={(next) => setKind(next === 'expectation' ? 'expectation' : 'feedback')}
        />
        <TextInput
          label="Name"
          description="correctness, tone, expected_response"
          data-autofocus
          value={name}
          maxLength={250}
          onChange={(event) => setName(event.currentTarget.value)}
        />
        <TextInput
          label="Value"
          description="true, 0.8, text or JSON"
          value={value}
          onChange={(event) => setValue(event.currentTarget.value)}
        />
        <Textarea
          label="Rationale"
          value={rationale}
          autosize
          minRows={2}
          onChange={(event) => setRationale(event.currentTarget.value)}
        />
        {error !== null && <ErrorNote error={error} />}
        <div className="confirm-end">
          <Button variant="default" onClick={close}>
            Cancel
          </Button>
          <Button type="submit" disabled={!ready} loading={isPending}>
            Add assessment
          </Button>
        </div>
      </form>
    </Modal>
  );
}
