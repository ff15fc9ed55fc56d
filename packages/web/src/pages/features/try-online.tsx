import { type DaisError } from '@dais/api';
import { readFeaturesOperation, type OnlineFeatures } from '@dais/api/data';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { keyValue, STATUSES } from './feature-words.ts';
import { cellText } from '#pages/data/data-words.ts';
import { useClient } from '#server/console-context.ts';
import { Button, TextInput } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';

export interface JoinKeyField {
  readonly name: string;
  /** Type of the values: `int64`, `string` … */
  readonly type: string;
}

export interface TryOnlineProps {
  readonly project: string;
  /** The query: a service, or features as `view:feature`. */
  readonly what: { readonly service: string } | { readonly features: readonly string[] };
  /** Join keys, and the request data of on-demand views. */
  readonly keys: readonly JoinKeyField[];
}

/** Reads the online features of a typed key: values, statuses, event times. */
export function TryOnline({ project, what, keys }: TryOnlineProps) {
  const client = useClient(project);
  const [texts, setTexts] = useState<Readonly<Record<string, string>>>({});
  const { mutate, data, error, isPending } = useMutation<OnlineFeatures, DaisError>({
    mutationFn: async () => {
      const entities = Object.fromEntries(keys.map(({ name, type }) => [name, [keyValue(texts[name] ?? '', type)]]));
      const selection = 'service' in what ? { service: what.service } : { features: [...what.features] };
      return await client.perform(readFeaturesOperation, { ...selection, entities, fullNames: true });
    },
  });
  return (
    <Panel title="Online features" flush={data !== undefined}>
      <form
        className="features-try"
        onSubmit={(event) => {
          event.preventDefault();
          mutate();
        }}
      >
        {keys.map(({ name, type }) => (
          <TextInput
            key={name}
            label={name}
            placeholder={type}
            value={texts[name] ?? ''}
            onChange={(event) => {
              const { value } = event.currentTarget;
              setTexts((before) => ({ ...before, [name]: value }));
            }}
          />
        ))}
        <Button type="submit" loading={isPending}>
          Read features
        </Button>
      </form>
      {error !== null && <ErrorNote error={error} />}
      {data !== undefined && (
        <PlainTable
          label="Online values"
          rows={data.features}
          keyOf={({ name }) => name}
          columns={[
            { title: 'Feature', cell: ({ name }) => <code>{name}</code> },
            { title: 'Value', cell: ({ values }) => <Value value={values[0]} /> },
            {
              title: 'Status',
              narrow: true,
              cell: ({ statuses }) => {
                const shown = statuses[0] === undefined ? undefined : STATUSES[statuses[0]];
                return shown === undefined ? null : (
                  <StateBadge state={shown.state} word={shown.word} why={shown.why} />
                );
              },
            },
            {
              title: 'Event time',
              narrow: true,
              cell: ({ eventTimes }) => {
                const [at] = eventTimes;
                return at === null || at === undefined ? null : <Time at={at} />;
              },
            },
            { title: 'Type', narrow: true, cell: ({ type }) => <code>{type}</code> },
          ]}
        />
      )}
    </Panel>
  );
}

function Value({ value }: { readonly value: unknown }) {
  if (value === null || value === undefined) return <span className="dim">null</span>;
  return <code>{cellText(value)}</code>;
}
