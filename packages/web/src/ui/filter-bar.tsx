import { useId, useMemo, useRef, useState, type ReactNode } from 'react';
import { completions, wrongTerm } from './filter-terms.ts';
import { PausingInput } from './pausing-input.tsx';
import { useShortcuts } from './use-shortcuts.ts';
import './filter-bar.css';

export interface FilterBarProps {
  /** The current label selector. */
  readonly labels: string;
  readonly onLabels: (labels: string) => void;
  /** Part of a name. */
  readonly name: string;
  readonly onName: (name: string) => void;
  /** The other searched fields, as a short text. */
  readonly nameHint?: string;
  /** Labels of the loaded rows, for completion. */
  readonly known: readonly Readonly<Record<string, string>>[];
  /** Summary of the shown rows. */
  readonly children?: ReactNode;
}

const NAME_HINT = 'Name contains  /';

export function FilterBar(props: FilterBarProps) {
  const { labels, onLabels, name, onName, nameHint = NAME_HINT, known, children } = props;
  const input = useRef<HTMLInputElement>(null);
  useShortcuts([{ keys: '/', title: '', run: () => input.current?.focus() }]);
  return (
    <div className="filter">
      <PausingInput
        label={nameHint.replace('  /', '')}
        value={name}
        onValue={onName}
        inputRef={input}
        placeholder={nameHint}
        className="filter-name"
      />
      <LabelFilter labels={labels} onLabels={onLabels} known={known} />
      <div className="filter-summary" role="status">
        {children}
      </div>
    </div>
  );
}

function LabelFilter({ labels, onLabels, known }: Pick<FilterBarProps, 'labels' | 'onLabels' | 'known'>) {
  const [text, setText] = useState(labels);
  const id = useId();
  const wrong = wrongTerm(text);
  const offered = useMemo(() => completions(text, known), [text, known]);
  return (
    <div className="filter-labels">
      <PausingInput
        label="Labels"
        value={labels}
        onValue={(value) => {
          if (wrongTerm(value) === undefined) onLabels(value);
        }}
        onText={setText}
        placeholder="Labels: team=vision,stage!=dev,!owner"
        invalid={wrong === undefined ? undefined : `${id}-wrong`}
        list={`${id}-offered`}
      />
      <datalist id={`${id}-offered`}>
        {offered.map((one) => (
          <option key={one} value={one} />
        ))}
      </datalist>
      {wrong !== undefined && (
        <div id={`${id}-wrong`} className="filter-wrong" role="alert">
          <span aria-hidden="true">
            {' '.repeat(wrong.start)}
            {'~'.repeat(Math.max(1, wrong.length))}
          </span>
          <span>{wrong.message}</span>
        </div>
      )}
    </div>
  );
}
