import type { ColumnMask } from '@dais/api/data';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';

/** What stands in the place of which values, for whoever may not unmask. */
export function MasksPanel({ masks }: { readonly masks: readonly ColumnMask[] }) {
  return (
    <Panel title="What others see masked" flush={masks.length > 0}>
      {masks.length === 0 ? (
        <p className="dim">No column is masked.</p>
      ) : (
        <PlainTable
          label="Masked columns"
          rows={masks}
          keyOf={({ column }) => column}
          columns={[
            { title: 'Column', cell: ({ column }) => <code>{column}</code> },
            { title: 'Holds', cell: ({ category }) => category },
            { title: 'Instead', narrow: true, cell: ({ method }) => method },
            {
              title: 'Because',
              cell: ({ because }) =>
                because === 'declared' ? 'the manifest says so' : 'of a finding that is not waived',
            },
          ]}
        />
      )}
    </Panel>
  );
}
