import type { DaisError } from '@dais/api';
import { labelPredictionsOperation, type Prediction } from '@dais/api/serving';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import type { PredictionRow } from './prediction-rows.ts';
import { useClient } from '#server/console-context.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { TextInput } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { GuardedButton } from '#ui/guarded-button.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Time } from '#ui/time.tsx';
import { toast } from '#ui/toast.ts';

export interface TruthPanelProps {
  readonly project: string;
  readonly prediction: Prediction;
  readonly row: PredictionRow;
  readonly again: () => void;
}

/** Ground truth as recorded: the newest value counts, and values are immutable. */
export function TruthPanel({ project, prediction, row, again }: TruthPanelProps) {
  const { endpoint, id } = prediction;
  const client = useClient(project);
  const [value, setValue] = useState('');
  const why = useWhyNotDo(project, 'Endpoint', ['prediction:label'], endpoint)('prediction:label');
  const { mutate, isPending, error } = useMutation<unknown, DaisError>({
    mutationFn: async () =>
      await client.perform(labelPredictionsOperation, {
        endpoint,
        labels: [{ prediction: id, row: row.row, value: value.trim() }],
        source: 'console',
      }),
    onSuccess: () => {
      toast({ title: 'Ground truth recorded', text: value.trim() });
      setValue('');
      again();
    },
  });
  const labels = prediction.labels.filter((one) => one.row === row.row).toReversed();
  return (
    <Panel title="Ground truth">
      {labels.length === 0 ? (
        <p className="dim">No ground truth for this prediction yet.</p>
      ) : (
        <PlainTable
          label="Ground truth records"
          rows={labels}
          keyOf={(one) => one.id}
          columns={[
            { title: 'Value', cell: (one) => <b>{one.value}</b> },
            { title: 'Recorded', narrow: true, cell: ({ at }) => <Time at={new Date(at).toISOString()} /> },
            { title: 'Source', cell: ({ by, source }) => (source === '' ? by : `${by}, ${source}`) },
          ]}
        />
      )}
      <form
        className="predictions-bar"
        onSubmit={(event) => {
          event.preventDefault();
          if (why === undefined && value.trim() !== '') mutate();
        }}
      >
        <TextInput
          aria-label="Ground truth"
          placeholder="value"
          value={value}
          maxLength={4096}
          onChange={(event) => setValue(event.currentTarget.value)}
        />
        <GuardedButton
          variant="default"
          why={why ?? (value.trim() === '' ? 'Enter the true value first.' : undefined)}
          loading={isPending}
          onClick={() => mutate()}
        >
          {labels.length === 0 ? 'Record ground truth' : 'Correct ground truth'}
        </GuardedButton>
      </form>
      {error !== null && <ErrorNote error={error} />}
    </Panel>
  );
}
