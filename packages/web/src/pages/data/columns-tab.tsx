import { countNoun } from '@dais/api';
import type { ColumnMask, ColumnProfile, DataColumn, DataFinding, DatasetVersion, QualityReport } from '@dais/api/data';
import { Link, useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';
import { ColumnDetail, distinctText } from './column-detail.tsx';
import { ColumnPicture } from './column-picture.tsx';
import { countText, figureText, shareText } from './data-words.ts';
import { timeText } from './column-picture.tsx';
import { useAddressQuery } from '#server/address-fields.ts';
import { PausingInput } from '#ui/pausing-input.tsx';
import { readSort, ResourceTable, writeSort, type TableColumn } from '#ui/resource-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';
import { StateBadge } from '#ui/state-badge.tsx';

export interface ColumnsTabProps {
  readonly version: DatasetVersion;
  /** Undefined: it is loading, or there is none. */
  readonly report: QualityReport | undefined;
  readonly masks: readonly ColumnMask[];
  readonly findings: readonly DataFinding[];
}

export interface ColumnRow {
  readonly place: number;
  readonly column: DataColumn;
  readonly now: ColumnProfile | undefined;
  readonly before: ColumnProfile | undefined;
  /** Jensen-Shannon divergence from the previous version, base 2. */
  readonly shift: number | undefined;
  /** Whether the column existed before: unknown without a previous version. */
  readonly added: boolean;
  readonly roles: readonly string[];
  readonly mask: ColumnMask | undefined;
  readonly open: number;
}

/** A divergence above this marks a column as changed; the default of the expectation `drift`. */
const FAR = 0.1;

/** All columns: distributions compared with the previous version. A selected one is shown in full. */
export function ColumnsTab({ version, report, masks, findings }: ColumnsTabProps) {
  const { column: chosen, search = '', sort = '' } = useAddressQuery();
  const navigate = useNavigate();
  const all = useMemo(() => columnRows({ version, report, masks, findings }), [version, report, masks, findings]);
  const rows = useMemo(
    () => all.filter(({ column }) => column.name.toLowerCase().includes(search.toLowerCase())),
    [all, search],
  );
  const titles = useMemo(
    () => ({ now: `version ${version.number}`, before: `version ${report?.before?.number ?? version.number - 1}` }),
    [version.number, report],
  );
  const columns = useMemo(
    () => tableColumns(titles, version.rows, report?.before?.profile.rows),
    [titles, version.rows, report],
  );
  const update = (change: Readonly<Record<string, string | undefined>>) =>
    void navigate({ to: '.', search: (before: object) => ({ ...before, ...change }), replace: true });
  const row = chosen === undefined ? undefined : all.find(({ column }) => column.name === chosen);
  return (
    <div className="data-columns" data-open={row !== undefined || undefined}>
      <div className="data-columns-main">
        <div className="data-bar">
          <PausingInput
            label="Column contains"
            value={search}
            onValue={(value) => update({ search: value })}
            placeholder="Column contains"
          />
          <span className="dim" role="status">
            {rows.length === all.length
              ? countNoun(all.length, 'column')
              : `${countText(rows.length)} of ${countText(all.length)}`}
            {report !== undefined && report.profile === undefined && ' · computing their profile'}
            {report?.before !== undefined && ` · the line in each chart is version ${report.before.number}`}
          </span>
        </div>
        {report === undefined && version.rows > 0 && all.length === 0 ? (
          <Skeleton rows={8} />
        ) : (
          <ResourceTable
            key={`${version.id} ${search} ${sort}`}
            label="Columns"
            rows={rows}
            columns={columns}
            keyOf={keyOfColumn}
            complete
            sort={readSort(sort)}
            onSort={(next) => update({ sort: writeSort(next) })}
            selected={chosen}
            onSelect={(name) => update({ column: name })}
            onOpen={({ column }) => update({ column: column.name === chosen ? undefined : column.name })}
          />
        )}
      </div>
      {row !== undefined && (
        <ColumnDetail
          row={row}
          titles={titles}
          rows={version.rows}
          rowsBefore={report?.before?.profile.rows}
          close={() => update({ column: undefined })}
        />
      )}
    </div>
  );
}

const keyOfColumn = ({ column }: ColumnRow) => column.name;

function columnRows({ version, report, masks, findings }: ColumnsTabProps): readonly ColumnRow[] {
  const { schema, keys, eventTime, label } = version;
  const now = new Map(report?.profile?.columns.map((one) => [one.name, one]));
  const before = new Map(report?.before?.profile.columns.map((one) => [one.name, one]));
  const shifts = new Map(report?.shifts.map(({ column, jsdLog2 }) => [column, jsdLog2]));
  const maskOf = new Map(masks.map((mask) => [mask.column, mask]));
  return schema.columns.map((column, position) => ({
    place: position,
    column,
    now: now.get(column.name),
    before: before.get(column.name),
    shift: shifts.get(column.name),
    added: report?.before !== undefined && !before.has(column.name),
    roles: [
      ...(keys.includes(column.name) ? ['key'] : []),
      ...(eventTime === column.name ? ['event time'] : []),
      ...(label === column.name ? ['label'] : []),
    ],
    mask: maskOf.get(column.name),
    open: findings.filter((one) => one.column === column.name && one.state === 'open').length,
  }));
}

function tableColumns(
  titles: { readonly now: string; readonly before: string },
  rows: number,
  rowsBefore: number | undefined,
): readonly TableColumn<ColumnRow>[] {
  return [
    {
      id: 'name',
      title: 'Column',
      width: 'minmax(150px, 2fr)',
      cell: ({ column, roles, mask, open, added }) => (
        <span className="data-column-name">
          <Link to="." search={(before: object) => ({ ...before, column: column.name })} replace>
            <code>{column.name}</code>
          </Link>
          {roles.map((role) => (
            <span key={role} className="label-chip">
              {role}
            </span>
          ))}
          {mask !== undefined && (
            <span className="label-chip" title={`Masked for other users (${mask.method}): ${mask.category}`}>
              masked
            </span>
          )}
          {open > 0 && <StateBadge state="warning" word="finding" why="Decide whether the column is personal data" />}
          {added && <span className="label-chip">new</span>}
        </span>
      ),
      sortValue: ({ column }) => column.name,
    },
    {
      id: 'type',
      title: 'Type',
      width: 'minmax(70px, 110px)',
      cell: ({ column }) => <code title={column.type}>{column.type}</code>,
      sortValue: ({ column }) => column.type,
    },
    {
      id: 'picture',
      title: 'Values',
      width: '168px',
      cell: ({ now, before }) => now !== undefined && <ColumnPicture now={now} before={before} titles={titles} small />,
    },
    {
      id: 'shift',
      title: 'Drift',
      width: '90px',
      cell: ({ shift }) =>
        shift !== undefined &&
        (shift > FAR ? (
          <StateBadge
            state="warning"
            word={shift.toFixed(3)}
            why={`Jensen-Shannon divergence (base 2) from ${titles.before}; 0: identical, 1: disjoint`}
          />
        ) : (
          <span title={`Jensen-Shannon divergence (base 2) from ${titles.before}`}>{shift.toFixed(3)}</span>
        )),
      sortValue: ({ shift }) => -(shift ?? -1),
    },
    {
      id: 'nulls',
      title: 'Missing',
      width: '110px',
      cell: ({ now, before }) => now !== undefined && <Missing now={now} before={before} {...{ rows, rowsBefore }} />,
      sortValue: ({ now }) => -(now === undefined || rows === 0 ? -1 : now.nulls / rows),
    },
    {
      id: 'distinct',
      title: 'Distinct',
      width: '90px',
      end: true,
      cell: ({ now }) => now !== undefined && distinctText(now),
      sortValue: ({ now }) => -(now?.distinct ?? -1),
    },
    { id: 'min', title: 'Min', width: 'minmax(90px, 1fr)', end: true, cell: ({ now }) => limitText(now, now?.min) },
    {
      id: 'mean',
      title: 'Mean',
      width: '90px',
      end: true,
      cell: ({ now }) => (now?.family === 'number' ? figureText(now.mean) : ''),
    },
    {
      id: 'max',
      title: 'Max',
      width: 'minmax(90px, 1fr)',
      end: true,
      cell: ({ now }) => limitText(now, now?.max),
    },
  ];
}

/** The minimum or maximum of values; of texts, of their length. */
function limitText(now: ColumnProfile | undefined, limit: number | undefined): string {
  if (now === undefined) return '';
  if (limit !== undefined) return now.family === 'time' ? timeText(limit) : figureText(limit);
  return '';
}

interface MissingProps {
  readonly now: ColumnProfile;
  readonly before: ColumnProfile | undefined;
  readonly rows: number;
  readonly rowsBefore: number | undefined;
}

function Missing({ now, before, rows, rowsBefore }: MissingProps) {
  const share = rows === 0 ? 0 : now.nulls / rows;
  const was =
    before === undefined || rowsBefore === undefined || rowsBefore === 0 ? undefined : before.nulls / rowsBefore;
  return (
    <span title={was === undefined ? undefined : `was ${shareText(was)}`}>
      <svg width="40" height="8" viewBox="0 0 40 8" className="data-missing" aria-hidden="true">
        <rect width="40" height="8" data-all />
        <rect width={Math.max(share * 40, share > 0 ? 1 : 0)} height="8" />
      </svg>{' '}
      {share === 0 ? <span className="dim">none</span> : shareText(share)}
    </span>
  );
}
