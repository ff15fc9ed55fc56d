import { useAgreement } from './use-labels.ts';
import { countText, shareText } from '#pages/data/data-words.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';

/** Maximum number of labels and pairs in the server's response. */
const SHOWN = 12;

/** Agreement of annotators beyond chance: total, by label and by pair. */
export function AgreementPanel({ project, name }: { readonly project: string; readonly name: string }) {
  const { data, error, refetch } = useAgreement(project, name);
  if (error !== null) return <ErrorNote error={error} retry={() => void refetch()} />;
  if (data === undefined) return <Skeleton rows={3} />;
  const { units, annotators, alpha, fleiss, agreed, level, byLabel, byPair } = data;
  if (units === 0) {
    return (
      <Panel title="Annotator agreement">
        <p className="dim">No agreement yet. It needs tasks labeled by at least two annotators.</p>
      </Panel>
    );
  }
  return (
    <>
      <Panel title="Annotator agreement">
        <p className="labels-figures">
          <span title={`1: full agreement; 0: chance level; negative: below chance. Labels are ${level}.`}>
            Krippendorff’s α <strong>{coefficient(alpha)}</strong>
          </span>
          {fleiss !== undefined && (
            <span title="Computed when every task has the same number of labels">
              Fleiss’ κ <strong>{coefficient(fleiss)}</strong>
            </span>
          )}
          {agreed !== undefined && (
            <span title="Share of label pairs that agree, not corrected for chance">
              <strong>{shareText(agreed)}</strong> pairwise agreement
            </span>
          )}
          <span className="dim">
            {countText(units)} tasks with at least two labels from {countText(annotators)} annotators
          </span>
        </p>
      </Panel>
      <div className="grid-2">
        <Panel title="By label" flush>
          <PlainTable
            label="Agreement by label"
            rows={byLabel.slice(0, SHOWN)}
            keyOf={({ label }) => label}
            columns={[
              { title: 'Label', cell: ({ label }) => <code>{label}</code> },
              { title: 'Count', narrow: true, cell: ({ count }) => countText(count) },
              {
                title: 'α',
                narrow: true,
                about: 'Agreement on this label versus all others',
                cell: (one) => coefficient(one.alpha),
              },
            ]}
          />
        </Panel>
        <Panel title="By pair" flush>
          <PlainTable
            label="Agreement by pair"
            rows={byPair.slice(0, SHOWN)}
            keyOf={(pair) => pair.annotators.join('\n')}
            columns={[
              { title: 'Annotators', cell: (pair) => pair.annotators.join(' and ') },
              { title: 'Common tasks', narrow: true, cell: (pair) => countText(pair.units) },
              { title: 'κ', narrow: true, about: 'Cohen’s κ', cell: ({ kappa }) => coefficient(kappa) },
            ]}
          />
        </Panel>
      </div>
    </>
  );
}

function coefficient(value: number | undefined): string {
  return value === undefined ? 'none' : value.toFixed(3);
}
