import type { ColumnMask } from '@dais/api/data';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';

/** The masks for viewers without the permission to unmask. */
export function MasksPanel({ masks }: { readonly masks: readonly ColumnMask[] }) {
  return (
    <Panel title="Masked columns" flush={masks.length > 0}>
      {masks.length === 0 ? (
        <p className="dim">No column is masked.</p>
      ) : (
        <PlainTable
          label="Masks"
          rows={masks}
          keyOf={({ column }) => column}
          columns={[
            { title: 'Column', cell: ({ column }) => <code>{column}</code> },
            { title: 'Category', cell: ({ category }) => category },
            { title: 'Masking method', narrow: true, cell: ({ method }) => method },
            {
              title: 'Source',
              cell: ({ source }) => (source === 'declared' ? 'manifest' : 'personal data finding'),
            },
          ]}
        />
      )}
    </Panel>
  );
}
