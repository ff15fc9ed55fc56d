import { datasetKind } from '@dais/api';
import { readQualityReportOperation, type ColumnProfile, type QualityReport } from '@dais/api/data';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import type { ViewSpec } from './view-spec.ts';
import { datasetVersionAddress } from '#addresses.ts';
import { ColumnPicture } from '#pages/data/column-picture.tsx';
import { countText, figureText, shareText } from '#pages/data/data-words.ts';
import { useClient } from '#server/console-context.ts';
import { useWhyNotDo } from '#server/use-why-not-do.ts';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';

type Feature = ViewSpec['features'][number];

/** The features of a view: types, transformations and distributions in the source. */
export function FeaturesPanel({ project, spec }: { readonly project: string; readonly spec: ViewSpec }) {
  const client = useClient(project);
  const { source, columns = {} } = spec;
  const dataset = source.type === 'dataset' ? source.dataset : undefined;
  const version = source.type === 'dataset' ? (source.version ?? 'latest') : '';
  const refused = useWhyNotDo(project, datasetKind.kind, ['dataset:read'], dataset)('dataset:read');
  const { data: report } = useQuery<QualityReport>({
    queryKey: ['data', project, dataset, 'report', version],
    queryFn: async ({ signal }) =>
      await client.perform(readQualityReportOperation, { name: dataset ?? '', version }, { signal }),
    enabled: dataset !== undefined && refused === undefined,
  });
  const profiles = new Map(report?.profile?.columns.map((column) => [column.name, column]));
  const before = new Map(report?.before?.profile.columns.map((column) => [column.name, column]));
  const titles = { now: `version ${report?.version.number ?? ''}`, before: `version ${report?.before?.number ?? ''}` };
  const rows = report?.profile?.rows ?? 0;
  const profileOf = ({ name }: Feature): ColumnProfile | undefined => profiles.get(columns[name] ?? name);
  const worked = spec.features.some(({ expression }) => expression !== undefined);
  return (
    <Panel
      title={`${countText(spec.features.length)} features`}
      flush
      actions={
        dataset !== undefined &&
        report !== undefined && (
          <span className="dim">
            versus{' '}
            <Link
              {...datasetVersionAddress(project, dataset, report.version.number)}
            >{`${dataset}@${report.version.number}`}</Link>
          </span>
        )
      }
    >
      <PlainTable
        label="Features"
        rows={spec.features}
        keyOf={({ name }) => name}
        columns={[
          {
            title: 'Feature',
            cell: (feature) => (
              <>
                <code>{feature.name}</code>
                {columns[feature.name] !== undefined && <span className="dim"> from {columns[feature.name]}</span>}
              </>
            ),
          },
          { title: 'Type', narrow: true, cell: ({ type }) => <code>{type}</code> },
          ...(worked
            ? [
                {
                  title: 'Computed by',
                  cell: ({ expression }: Feature) => expression !== undefined && <code>{expression}</code>,
                },
              ]
            : []),
          ...(report?.profile === undefined
            ? []
            : [
                {
                  title: 'Values',
                  cell: (feature: Feature) => {
                    const now = profileOf(feature);
                    return (
                      now !== undefined && (
                        <div className="features-picture">
                          <ColumnPicture now={now} before={before.get(now.name)} titles={titles} small />
                        </div>
                      )
                    );
                  },
                },
                {
                  title: 'Missing',
                  narrow: true,
                  cell: (feature: Feature) => {
                    const now = profileOf(feature);
                    return now === undefined || rows === 0 ? '' : shareText(now.nulls / rows);
                  },
                },
                {
                  title: 'Mean',
                  narrow: true,
                  cell: (feature: Feature) => {
                    const now = profileOf(feature);
                    return now?.family === 'number' ? figureText(now.mean) : '';
                  },
                },
              ]),
          { title: 'Description', cell: ({ description }) => description ?? '' },
        ]}
      />
    </Panel>
  );
}
