import type { ColumnProfile } from '@dais/api/data';
import { ColumnPicture, timeText } from './column-picture.tsx';
import type { ColumnRow } from './columns-tab.tsx';
import { countText, figureText, shareText } from './data-words.ts';
import { ActionIcon } from '#ui/controls.ts';
import { Icon } from '#ui/icons.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';

export interface ColumnDetailProps {
  readonly row: ColumnRow;
  readonly titles: { readonly now: string; readonly before: string };
  readonly rows: number;
  readonly rowsBefore: number | undefined;
  readonly close: () => void;
}

interface Figure {
  readonly name: string;
  readonly about?: string;
  readonly now: string;
  readonly before: string;
}

/** One column in full: its distribution and its statistics compared with the previous version. */
export function ColumnDetail({ row, titles, rows, rowsBefore, close }: ColumnDetailProps) {
  const { column, now, before, shift, mask } = row;
  const figures = now === undefined ? [] : figuresOf({ now, before, rows, rowsBefore });
  return (
    <div className="data-column-detail">
      <Panel
        title={column.name}
        actions={
          <ActionIcon aria-label="Close" onClick={close}>
            <Icon name="close" />
          </ActionIcon>
        }
      >
        <p className="dim">
          <code>{column.type}</code>
          {column.nullable ? '' : ', never missing'}
          {shift !== undefined && `, ${shift.toFixed(3)} from ${titles.before} (Jensen-Shannon divergence, base 2)`}
        </p>
        {mask !== undefined && (
          <p>
            Masked for other users: {mask.method} of {mask.category} (
            {mask.source === 'declared' ? 'declared in the manifest' : 'personal data finding'}).
          </p>
        )}
        {now === undefined ? (
          <p className="dim">The profile is being computed.</p>
        ) : (
          <ColumnPicture now={now} before={before} titles={titles} />
        )}
        {figures.length > 0 && (
          <PlainTable
            label={`Statistics of ${column.name}`}
            rows={figures}
            keyOf={({ name }) => name}
            columns={[
              { title: 'Statistic', cell: ({ name, about }) => <span title={about}>{name}</span> },
              { title: titles.now, cell: (figure) => figure.now },
              ...(before === undefined ? [] : [{ title: titles.before, cell: (figure: Figure) => figure.before }]),
            ]}
          />
        )}
      </Panel>
    </div>
  );
}

interface FiguresOf {
  readonly now: ColumnProfile;
  readonly before: ColumnProfile | undefined;
  readonly rows: number;
  readonly rowsBefore: number | undefined;
}

/** `≈` marks an estimate. */
export function distinctText({ distinct, distinctIsExact }: ColumnProfile): string {
  return `${distinctIsExact === true ? '' : '≈'}${countText(distinct)}`;
}

function figuresOf({ now, before, rows, rowsBefore }: FiguresOf): readonly Figure[] {
  const value = now.family === 'time' ? timeText : figureText;
  const figure = (
    name: string,
    read: (profile: ColumnProfile) => number | undefined,
    words: (value: number) => string = value,
    about?: string,
  ): Figure[] => {
    const [a, b] = [read(now), before === undefined ? undefined : read(before)];
    if (a === undefined && b === undefined) return [];
    const format = (one: number | undefined) => (one === undefined ? '' : words(one));
    return [{ name, now: format(a), before: format(b), ...(about !== undefined && { about }) }];
  };
  const share = (count: number, of: number | undefined) =>
    of === undefined || of === 0 ? countText(count) : `${countText(count)} (${shareText(count / of)})`;
  return [
    {
      name: 'missing',
      now: share(now.nulls, rows),
      before: before === undefined ? '' : share(before.nulls, rowsBefore),
    },
    {
      name: 'distinct',
      now: distinctText(now),
      before: before === undefined ? '' : distinctText(before),
      about: 'Exact up to 100,000 rows; beyond that an estimate (HyperLogLog)',
    },
    ...figure('min', ({ min }) => min),
    ...figure('1 %', ({ quantiles }) => quantiles?.p01, value, 'Quantile, approximate (t-digest)'),
    ...figure('25 %', ({ quantiles }) => quantiles?.p25, value, 'Quantile, approximate (t-digest)'),
    ...figure('median', ({ quantiles }) => quantiles?.p50, value, 'Quantile, approximate (t-digest)'),
    ...figure('75 %', ({ quantiles }) => quantiles?.p75, value, 'Quantile, approximate (t-digest)'),
    ...figure('99 %', ({ quantiles }) => quantiles?.p99, value, 'Quantile, approximate (t-digest)'),
    ...figure('max', ({ max }) => max),
    ...figure('mean', ({ mean }) => mean),
    ...figure('standard deviation', ({ stddev }) => stddev, figureText, 'Standard deviation of the sample (n − 1)'),
    ...figure('zeros', ({ zeros }) => zeros, countText),
    ...figure('negatives', ({ negatives }) => negatives, countText),
    ...figure('NaN', ({ nans }) => nans, countText),
    ...figure('infinite', ({ infinities }) => infinities, countText),
    ...figure('shortest', ({ minLength }) => minLength, countText, 'In characters'),
    ...figure('longest', ({ maxLength }) => maxLength, countText, 'In characters'),
    ...figure('mean length', ({ meanLength }) => meanLength, figureText, 'In characters'),
    ...figure('empty strings', ({ empty }) => empty, countText),
  ];
}
