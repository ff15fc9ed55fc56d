import { eventTypes, kinds } from '@dais/api';
import { localTime, timeOf, type AuditFilter, type FilterName } from './audit-filter.ts';
import { Button, Select, TextInput } from '#ui/controls.ts';
import { PausingInput } from '#ui/pausing-input.tsx';
import './audit.css';

export interface AuditFiltersProps {
  readonly filter: AuditFilter;
  /** The query covers the organization: it can name a project. */
  readonly organization: boolean;
  readonly change: (change: Readonly<Partial<Record<FilterName, string | undefined>>>) => void;
}

const TYPES = Object.values(eventTypes)
  .map(({ type }) => type)
  .toSorted();
const OUTCOMES = ['succeeded', 'denied', 'failed'];

export function AuditFilters({ filter, organization, change }: AuditFiltersProps) {
  const text = (name: FilterName, label: string, placeholder: string) => (
    <PausingInput
      label={label}
      placeholder={placeholder}
      value={filter[name] ?? ''}
      onValue={(value) => change({ [name]: value.trim() })}
    />
  );
  const choice = (name: FilterName, label: string, choices: readonly string[], searchable = false) => (
    <Select
      aria-label={label}
      placeholder={`Any ${label.toLowerCase()}`}
      data={[...choices]}
      searchable={searchable}
      clearable
      clearButtonProps={{ 'aria-label': `Any ${label.toLowerCase()}` }}
      value={filter[name] ?? null}
      onChange={(value) => change({ [name]: value ?? undefined })}
    />
  );
  const time = (name: 'from' | 'to', label: string) => (
    <label className="audit-time">
      <span className="dim">{label}</span>
      <TextInput
        type="datetime-local"
        aria-label={`${label}, in your time zone`}
        value={localTime(filter[name])}
        onChange={(event) => change({ [name]: timeOf(event.currentTarget.value) })}
      />
    </label>
  );
  const used = Object.keys(filter).length > 0;
  return (
    <div className="audit-filters" role="search" aria-label="Entries">
      {text('actor', 'Actor', 'Actor')}
      {organization && text('project', 'Project', 'Project')}
      {choice('outcome', 'Outcome', OUTCOMES)}
      {choice('type', 'Type', TYPES, true)}
      {choice(
        'kind',
        'Kind',
        kinds.map(({ kind }) => kind),
      )}
      {text('name', 'Resource name', 'Name')}
      {text('requestId', 'Request', 'Request ID')}
      {time('from', 'from')}
      {time('to', 'to')}
      {used && (
        <Button
          variant="subtle"
          onClick={() => change(Object.fromEntries(Object.keys(filter).map((name) => [name, undefined])))}
        >
          Clear filters
        </Button>
      )}
    </div>
  );
}
