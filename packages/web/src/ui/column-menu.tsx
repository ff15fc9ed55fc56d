import { Button, Menu } from '@mantine/core';
import { Icon } from './icons.tsx';

export interface ColumnMenuProps {
  readonly columns: readonly { readonly id: string; readonly title: string }[];
  readonly shown: ReadonlySet<string>;
  readonly onShown: (shown: ReadonlySet<string>) => void;
  /** Restores the default columns. */
  readonly onReset: () => void;
}

/** Selects the columns of a table. */
export function ColumnMenu({ columns, shown, onShown, onReset }: ColumnMenuProps) {
  const toggle = (id: string, on: boolean) => {
    const next = new Set(shown);
    if (on) next.add(id);
    else next.delete(id);
    onShown(next);
  };
  return (
    <Menu position="bottom-end" width={220} withinPortal={false}>
      <Menu.Target>
        <Button variant="subtle" rightSection={<Icon name="down" />}>
          Columns
        </Button>
      </Menu.Target>
      <Menu.Dropdown>
        {columns.map(({ id, title }) => (
          <Menu.CheckboxItem key={id} checked={shown.has(id)} onChange={(on) => toggle(id, on)}>
            {title}
          </Menu.CheckboxItem>
        ))}
        <Menu.Divider />
        <Menu.Item onClick={onReset}>Reset to default</Menu.Item>
      </Menu.Dropdown>
    </Menu>
  );
}
