import { GROUPS, MEASURES, PERIODS, TYPES, USUAL_PERIOD, type UsageQuery } from './usage-query.ts';
import { Select } from '#ui/controls.ts';
import { PausingInput } from '#ui/pausing-input.tsx';
import './usage.css';

export interface UsageFiltersProps {
  readonly query: UsageQuery;
  /** The query covers all projects: it can name one. */
  readonly organization: boolean;
  readonly change: (changes: Readonly<Record<string, string | undefined>>) => void;
}

type Choices = readonly { readonly value: string; readonly label: string }[];

export function UsageFilters({ query, organization, change }: UsageFiltersProps) {
  const select = (name: 'time' | 'by' | 'measure', label: string, choices: Choices, usual?: string) => (
    <Select
      aria-label={label}
      data={choices.map(({ value, label: text }) => ({
        value,
        label: name === 'by' ? `by ${text.toLowerCase()}` : text,
      }))}
      value={query[name]}
      allowDeselect={false}
      onChange={(value) => change({ [name]: value === usual ? undefined : (value ?? undefined) })}
      comboboxProps={{ withinPortal: false }}
    />
  );
  const text = (name: 'person' | 'resource' | 'team' | 'project', label: string, placeholder: string) => (
    <PausingInput
      label={label}
      placeholder={placeholder}
      value={query[name] ?? ''}
      onValue={(value) => change({ [name]: value.trim() === '' ? undefined : value.trim() })}
    />
  );
  return (
    <div className="usage-filters" role="search" aria-label="Usage">
      {select('time', 'Period', PERIODS, USUAL_PERIOD)}
      {select('by', 'Group', GROUPS)}
      {select('measure', 'Quantity', MEASURES)}
      <Select
        aria-label="Type"
        placeholder="Any type"
        data={[...TYPES]}
        clearable
        clearButtonProps={{ 'aria-label': 'Any type' }}
        value={query.type ?? null}
        onChange={(value) => change({ type: value ?? undefined })}
        comboboxProps={{ withinPortal: false }}
      />
      {text('person', 'Person', 'Person')}
      {text('resource', 'Resource', 'Resource: Pipeline/train')}
      {organization && text('project', 'Project', 'Project')}
      {organization && text('team', 'Team', 'Team')}
    </div>
  );
}
