import type { PredictionRows } from '@dais/api/serving';
import { valueColumns } from './prediction-rows.ts';
import type { PredictionFilter, PredictionState } from './prediction-sql.ts';
import { Select } from '#ui/controls.ts';
import { PausingInput } from '#ui/pausing-input.tsx';

const STATES: readonly { readonly value: PredictionState; readonly label: string }[] = [
  { value: 'given', label: 'all predictions' },
  { value: 'answered', label: 'successful' },
  { value: 'failed', label: 'failed' },
  { value: 'shadow', label: 'shadow predictions' },
];
/** Searchable columns other than inputs and outputs. */
const OWN_COLUMNS = ['principal', 'request_id', 'trace_id', 'label'];

export function readFilter(query: Readonly<Record<string, string | undefined>>): PredictionFilter {
  const { state, version = '', variant = '', column = '', value = '' } = query;
  return { state: STATES.find((one) => one.value === state)?.value ?? 'given', version, variant, column, value };
}

export interface PredictionFiltersProps {
  readonly filter: PredictionFilter;
  readonly columns: PredictionRows['columns'];
  readonly summary: PredictionRows | undefined;
  readonly update: (change: Readonly<Record<string, string | undefined>>) => void;
}

/** Filters of predictions, stored in the URL. */
export function PredictionFilters({ filter, columns, summary, update }: PredictionFiltersProps) {
  const { state, version, column, value } = filter;
  const at = summary?.columns.findIndex(({ name }) => name === 'version') ?? -1;
  const versions = [...new Set([...(summary?.rows ?? []).map((row) => row[at]), version])].filter(
    (one): one is string => typeof one === 'string' && one !== '',
  );
  const keys = [...valueColumns(columns).map((one) => one.column), ...OWN_COLUMNS];
  return (
    <>
      <Select
        aria-label="Predictions shown"
        value={state}
        data={STATES}
        allowDeselect={false}
        onChange={(next) => update({ state: next === 'given' ? undefined : (next ?? undefined) })}
        comboboxProps={{ withinPortal: false }}
      />
      <Select
        aria-label="Version"
        placeholder="any version"
        value={version === '' ? null : version}
        data={versions
          .toSorted((a, b) => Number(b) - Number(a))
          .map((one) => ({ value: one, label: `version ${one}` }))}
        clearable
        onChange={(next) => update({ version: next ?? undefined })}
        comboboxProps={{ withinPortal: false }}
      />
      <Select
        aria-label="Column"
        placeholder="where …"
        value={column === '' ? null : column}
        data={[...new Set([...keys, column])].filter((one) => one !== '')}
        searchable
        clearable
        onChange={(next) => update({ column: next ?? undefined, ...(next === null && { value: undefined }) })}
        comboboxProps={{ withinPortal: false }}
      />
      {column !== '' && (
        <PausingInput
          label={`${column} is`}
          placeholder={`${column} is`}
          value={value}
          onValue={(next) => update({ value: next })}
          className="predictions-value"
        />
      )}
    </>
  );
}
