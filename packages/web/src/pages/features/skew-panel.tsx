import { type DaisError } from '@dais/api';
import { checkFeaturesOperation, type FeatureSkew } from '@dais/api/data';
import { useMutation } from '@tanstack/react-query';
import type { ViewSpec } from './view-spec.ts';
import { countText } from '#pages/data/data-words.ts';
import { useClient } from '#server/console-context.ts';
import { Button } from '#ui/controls.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { StateBadge } from '#ui/state-badge.tsx';
import { Time } from '#ui/time.tsx';

export interface SkewPanelProps {
  readonly project: string;
  readonly view: string;
  readonly spec: ViewSpec;
}

/** Training-serving skew: online values compared with offline values for the same keys and time. */
export function SkewPanel({ project, view, spec }: SkewPanelProps) {
  const client = useClient(project);
  const { mutate, data, error, isPending } = useMutation<FeatureSkew, DaisError>({
    mutationFn: async () =>
      await client.perform(checkFeaturesOperation, {
        features: spec.features.map((feature) => `${view}:${feature.name}`),
        sample: 1000,
      }),
  });
  return (
    <Panel
      title="Training-serving skew"
      flush={data !== undefined}
      actions={
        <Button size="compact-xs" variant="default" loading={isPending} onClick={() => mutate()}>
          Compare 1,000 keys
        </Button>
      }
    >
      {error !== null && <ErrorNote error={error} />}
      {data === undefined ? (
        <p className="dim">Compares online and offline values of evenly sampled keys at the same time.</p>
      ) : (
        <>
          <p className="features-summary dim">
            {countText(data.entities)} keys, as of <Time at={data.at} />
          </p>
          <PlainTable
            label="Online and offline values"
            rows={data.features}
            keyOf={({ view: of, feature }) => `${of}:${feature}`}
            columns={[
              { title: 'Feature', cell: ({ feature }) => <code>{feature}</code> },
              {
                title: 'Result',
                narrow: true,
                cell: ({ different, onlyOnline, onlyOffline }) =>
                  different + onlyOnline + onlyOffline === 0 ? (
                    <StateBadge state="ok" word="equal" />
                  ) : (
                    <StateBadge state="warning" word="different" />
                  ),
              },
              { title: 'Equal', narrow: true, cell: ({ same }) => countText(same) },
              { title: 'Different', narrow: true, cell: ({ different }) => countText(different) },
              { title: 'Only online', narrow: true, cell: ({ onlyOnline }) => countText(onlyOnline) },
              { title: 'Only offline', narrow: true, cell: ({ onlyOffline }) => countText(onlyOffline) },
              {
                title: 'Example',
                cell: ({ examples: [one] }) =>
                  one !== undefined && (
                    <code>
                      {JSON.stringify(one.entity)}: {JSON.stringify(one.online)} online, {JSON.stringify(one.offline)}{' '}
                      offline
                    </code>
                  ),
              },
            ]}
          />
        </>
      )}
    </Panel>
  );
}
