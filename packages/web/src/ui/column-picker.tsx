import { Button, Checkbox, Popover, TextInput } from '@mantine/core';
import { useState } from 'react';
import { Icon } from './icons.tsx';
import './column-picker.css';

export interface PickableColumn {
  readonly id: string;
  readonly title: string;
  /** Heading of its group. */
  readonly group: string;
}

export interface ColumnPickerProps {
  readonly columns: readonly PickableColumn[];
  /** In their order in the table. */
  readonly shown: readonly string[];
  readonly onShown: (shown: readonly string[]) => void;
  /** Restores the default columns. */
  readonly onReset: () => void;
  /** Title, where the entries are not columns: `Axes`. */
  readonly word?: string;
}

/** More entries than these require a search. */
const LISTED = 100;

/** Selects the columns of a table with very many columns. */
export function ColumnPicker({ columns, shown, onShown, onReset, word = 'Columns' }: ColumnPickerProps) {
  const [words, setWords] = useState('');
  const chosen = new Set(shown);
  const lower = words.toLowerCase();
  const found = columns.filter(({ id }) => id.toLowerCase().includes(lower));
  const listed = found.slice(0, LISTED);
  const toggle = (id: string, on: boolean) => onShown(on ? [...shown, id] : shown.filter((one) => one !== id));
  return (
    <Popover position="bottom-end" width={300} withinPortal={false} trapFocus>
      <Popover.Target>
        <Button variant="subtle" rightSection={<Icon name="down" />}>
          {word}
        </Button>
      </Popover.Target>
      <Popover.Dropdown className="columns" aria-label={word}>
        <TextInput
          aria-label="Find a column by name"
          placeholder="Find a column by name"
          value={words}
          onChange={({ currentTarget }) => setWords(currentTarget.value)}
        />
        <div className="columns-list">
          {[...new Set(listed.map(({ group }) => group))].map((group) => (
            <fieldset key={group}>
              <legend>{group}</legend>
              {listed
                .filter((one) => one.group === group)
                .map(({ id, title }) => (
                  <Checkbox
                    key={id}
                    size="xs"
                    label={title}
                    checked={chosen.has(id)}
                    onChange={({ currentTarget }) => toggle(id, currentTarget.checked)}
                  />
                ))}
            </fieldset>
          ))}
          {found.length > LISTED && (
            <p className="dim">{(found.length - LISTED).toLocaleString('en')} more; search by name</p>
          )}
        </div>
        <Button variant="default" fullWidth onClick={onReset}>
          Reset to default
        </Button>
      </Popover.Dropdown>
    </Popover>
  );
}
