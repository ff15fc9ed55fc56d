import { useAgreement } from './use-labels.ts';
import { countText, shareText } from '#pages/data/data-words.ts';
import { ErrorNote } from '#ui/error-note.tsx';
import { Panel } from '#ui/panel.tsx';
import { PlainTable } from '#ui/plain-table.tsx';
import { Skeleton } from '#ui/skeleton.tsx';

/** More labels and pairs than these are in the answer of the server. */
const SHOWN = 12;

/** How far annotators agree beyond chance: over all, by label, by pair. */
export function AgreementPanel({ project, name }: { readonly project: string; readonly name: string }) {
  const { data, error, refetch } = useAgreement(project, name);
  if (error !== null) return <ErrorNote error={error} retry={() => void refetch()} />;
  if (data === undefined) return <Skeleton rows={3} />;
  const { units, annotators, alpha, fleiss, agreed, level, byLabel, byPair } = data;
  if (units === 0) {
    return (
      <Panel title="Annotator agreement">
        <p className="dim">No task was labelled by two people yet: there is nothing to compare.</p>
      </Panel>
    );
  }
  return (
    <>
      <Panel title="Annotator agreement">
        <p className="labels-figures">
          <span title={`1: always; 0: as chance would; below: less than chance. Labels are ${level}.`}>
            Krippendorff’s α <strong>{coefficient(alpha)}</strong>
          </span>
          {fleiss !== undefined && (
            <span title="As α, where every task was labelled equally often">
              Fleiss’ κ <strong>{coefficient(fleiss)}</strong>
            </span>
          )}
          {agreed !== undefined && (
            <span title="Of pairs of labels, chance included">
              <strong>{shareText(agreed)}</strong> alike
            </span>
          )}
          <span className="dim">
            {countText(units)} tasks with two labels or more, of {countText(annotators)} annotators
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
              { title: 'Given', narrow: true, cell: ({ count }) => countText(count) },
              {
                title: 'α',
                narrow: true,
                about: 'Of this label against all others',
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
              { title: 'In common', narrow: true, cell: (pair) => countText(pair.units) },
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
