import { diffTexts, type DiffLine } from './diff-lines.ts';
import './diff-view.css';

export interface DiffViewProps {
  readonly before: string;
  readonly after: string;
  readonly label: string;
}

const SIGNS = { same: ' ', added: '+', removed: '−' } as const;

/** Differences line by line; signs in addition to color. */
export function DiffView({ before, after, label }: DiffViewProps) {
  const lines = diffTexts(before, after);
  if (lines.length === 0) return <p className="dim">No differences.</p>;
  return (
    <div className="diff" role="region" aria-label={label} tabIndex={0}>
      <table>
        <tbody>{lines.map((line, at) => diffRow(line, at))}</tbody>
      </table>
    </div>
  );
}

function diffRow(line: DiffLine, at: number) {
  if (line.type === 'skipped') {
    return (
      <tr key={at} className="diff-skipped">
        <td colSpan={4}>{line.count === 1 ? '1 unchanged line' : `${line.count} unchanged lines`}</td>
      </tr>
    );
  }
  return (
    <tr key={at} className={`diff-${line.type}`}>
      <td className="diff-number">{line.before}</td>
      <td className="diff-number">{line.after}</td>
      <td className="diff-sign">{SIGNS[line.type]}</td>
      <td className="diff-text">{line.text}</td>
    </tr>
  );
}
