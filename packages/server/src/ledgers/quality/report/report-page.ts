/** The report as an HTML page without scripts or external resources. Failed expectations come first. */
import type { CheckFinding, ColumnProfile, ExpectationResult, QualityReport, RowSample } from '@dais/api/data';
import { countText, numberText, shareText } from '../checks/formats.ts';
import { columnChart } from './column-chart.ts';
import { escape } from './escape.ts';
import { PAGE_STYLE } from './page-style.ts';

/** Maximum number of columns with a distribution; further columns are rows of a table. */
const MAX_PICTURES = 200;
const MAX_LISTED = 2000;
/** Rows of a sample that are expanded initially. */
const SHOWN_ROWS = 5;
/** Threshold of a highlighted distance, the default of TFDV and Vertex AI: see docs/guide/data-quality.md. */
const FAR = 0.1;

/** Returns a complete HTML document. */
export function reportPage(report: QualityReport): string {
  const { dataset, version } = report;
  const name = `${dataset}@${version.number}`;
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${escape(name)}: data quality</title><style>${PAGE_STYLE}</style></head>
<body><main>
<h1>Data quality of ${escape(name)}</h1>
<p class="quiet">created ${moment(version.createdAt)} by ${escape(version.createdBy.id)} · <span class="mono" title="${escape(version.digest)}">sha256 ${escape(version.digest.slice(0, 12))}</span></p>
${result(report)}
${facts(report)}
${expectations(report)}
${columns(report)}
${correlations(report)}
${history(report)}
${footer(report)}
</main></body></html>
`;
}

function moment(at: number): string {
  const text = new Date(at).toISOString();
  return `<time datetime="${text}">${text.slice(0, 16).replace('T', ' ')} UTC</time>`;
}

interface Result {
  readonly kind: 'passing' | 'warning' | 'failing';
  readonly sign: string;
  readonly word: string;
  readonly why: string;
}

function result({ version, check }: QualityReport): string {
  const { kind, sign, word, why } = resultOf(version, check);
  return `<section class="result ${kind}"><span class="sign" aria-hidden="true">${sign}</span><div><strong class="word">${escape(word)}</strong><p>${escape(why)}</p></div></section>`;
}

function resultOf({ state, reason }: QualityReport['version'], check: QualityReport['check']): Result {
  const broken = check === undefined ? '' : summaryText(check);
  if (state === 'quarantined') {
    return { kind: 'failing', sign: '✕', word: 'Quarantined', why: reason ?? broken };
  }
  if (state === 'broken')
    return { kind: 'failing', sign: '✕', word: 'Broken: its source has changed', why: reason ?? '' };
  if (state === 'building') {
    return { kind: 'warning', sign: '…', word: 'Checks in progress', why: 'The version becomes ready when they pass.' };
  }
  if (check === undefined) {
    return {
      kind: 'warning',
      sign: '?',
      word: 'No expectations',
      why: 'No expectations have been checked. `dais data suggest` suggests some.',
    };
  }
  if (check.state === 'error') {
    return {
      kind: 'failing',
      sign: '✕',
      word: 'Not evaluated',
      why: check.message ?? 'The checks could not be run.',
    };
  }
  if (check.failed > 0) {
    const word = check.gate ? 'Released despite failed checks' : 'Ready, with failed expectations';
    return { kind: 'warning', sign: '!', word, why: `${broken}${reason === undefined ? '' : ` ${reason}`}` };
  }
  if (check.warned > 0) return { kind: 'warning', sign: '!', word: 'Passed with warnings', why: broken };
  return {
    kind: 'passing',
    sign: '✓',
    word: 'Passed',
    why: check.passed === 1 ? 'The expectation passed.' : `All ${check.passed} expectations passed.`,
  };
}

function summaryText({ passed, failed, warned }: NonNullable<QualityReport['check']>): string {
  const parts = [
    ...(failed > 0 ? [`${failed} failed`] : []),
    ...(warned > 0 ? [`${warned} failed with a warning`] : []),
    `${passed} passed`,
  ];
  return `Of ${countText(passed + failed + warned, 'expectation')}: ${parts.join(', ')}.`;
}

function facts({ version, profile, before }: QualityReport): string {
  const missing = profile?.columns.reduce((sum, { nulls }) => sum + nulls, 0);
  const cells = version.rows * (profile?.columns.length ?? 0);
  const entries: [string, string][] = [
    ['Rows', numberText(version.rows)],
    ...(profile === undefined ? [] : ([['Columns', numberText(profile.columns.length)]] as [string, string][])),
    ['Size', bytesText(version.bytes)],
    ...(missing === undefined || cells === 0
      ? []
      : ([['Missing values', shareText(missing / cells)]] as [string, string][])),
    ...(profile?.duplicates === undefined
      ? []
      : ([['Duplicate rows', numberText(profile.duplicates)]] as [string, string][])),
    ...(before === undefined
      ? []
      : ([['Compared with', `version ${before.number} (${countText(before.profile.rows)})`]] as [string, string][])),
  ];
  return `<dl class="facts">${entries.map(([term, text]) => `<div><dt>${escape(term)}</dt><dd>${escape(text)}</dd></div>`).join('')}</dl>`;
}

function bytesText(bytes: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  const at = bytes < 1024 ? 0 : Math.min(units.length - 1, Math.floor(Math.log2(bytes) / 10));
  return `${numberText(at === 0 ? bytes : Number((bytes / 1024 ** at).toPrecision(3)))} ${units[at]}`;
}

function expectations({ check }: QualityReport): string {
  if (check === undefined) return '';
  const broken = check.results.filter(({ outcome }) => outcome !== 'passed');
  const kept = check.results.filter(({ outcome }) => outcome === 'passed');
  const when = check.endedAt === undefined ? '' : `<p class="quiet">checked ${moment(check.endedAt)}</p>`;
  const open = broken.length > 0 ? broken.map(resultCard).join('') : '<p>All expectations passed.</p>';
  const closed =
    kept.length === 0
      ? ''
      : `<details><summary>${kept.length} passed</summary>${kept.map(resultCard).join('')}</details>`;
  return `<section><h2>Expectations</h2>${when}${open}${closed}</section>`;
}

function resultCard({
  name,
  type,
  severity,
  outcome,
  description,
  findings,
  more,
  message,
  sample,
}: ExpectationResult): string {
  const [kind, sign, word] =
    outcome === 'passed'
      ? (['passing', '✓', 'passed'] as const)
      : severity === 'block'
        ? (['failing', '✕', outcome === 'error' ? 'not evaluated' : 'failed'] as const)
        : (['warning', '!', outcome === 'error' ? 'not evaluated' : 'failed'] as const);
  const shown =
    outcome === 'passed' ? findings.slice(0, 20) : findings.filter(({ anomaly }) => anomaly !== undefined).slice(0, 50);
  const left = findings.length - shown.length + (more ?? 0);
  const rest = outcome === 'passed' || more === undefined ? `${left} more passed` : `and ${left} more`;
  return `<article class="check ${kind}"><header><span class="word"><span aria-hidden="true">${sign}</span> ${word}</span><h3>${escape(name)}</h3><span class="tag">${escape(type)}</span><span class="tag">${severity === 'block' ? 'blocking' : 'warning'}</span></header>
${description === undefined ? '' : `<p class="quiet">${escape(description)}</p>`}${message === undefined ? '' : `<p>${escape(message)}</p>`}
${findingsTable(shown)}${left > 0 && findings.length > 0 ? `<p class="quiet">${rest}</p>` : ''}${sample === undefined ? '' : sampleTable(sample)}</article>`;
}

function findingsTable(findings: readonly CheckFinding[]): string {
  if (findings.length === 0) return '';
  const rows = findings.map(
    ({ column = '', anomaly = '', observed, allowed }) =>
      `<tr><td>${escape(column)}</td><td>${escape(observed)}</td><td>${escape(allowed)}</td><td class="mono">${escape(anomaly)}</td></tr>`,
  );
  return `<div class="scroll"><table><thead><tr><th>Column</th><th>Observed</th><th>Allowed</th><th>Anomaly</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>`;
}

function sampleTable({ columns: names, rows, total, masked, withheld }: RowSample): string {
  if (withheld !== undefined) return `<p class="quiet">${escape(withheld)}</p>`;
  if (rows.length === 0) return '';
  const numbers = names.map((_, i) => rows.some((row) => typeof row[i] === 'number'));
  const head = names.map((name, i) => `<th${numbers[i] === true ? ' class="n"' : ''}>${escape(name)}</th>`).join('');
  const lines = rows.map(
    (row) => `<tr>${row.map((cell, i) => sampleCell(cell, masked.includes(names[i] ?? ''))).join('')}</tr>`,
  );
  const tableOf = (some: readonly string[]) =>
    `<div class="scroll sample"><table><thead><tr>${head}</tr></thead><tbody>${some.join('')}</tbody></table></div>`;
  const further = lines.slice(SHOWN_ROWS);
  const caption = `${rows.length} of ${countText(total)} that violate it${masked.length > 0 ? `; ${masked.join(', ')} masked` : ''}`;
  const folded =
    further.length === 0 ? '' : `<details><summary>${further.length} more</summary>${tableOf(further)}</details>`;
  return `<p class="quiet">${escape(caption)}</p>${tableOf(lines.slice(0, SHOWN_ROWS))}${folded}`;
}

function sampleCell(cell: RowSample['rows'][number][number] | undefined, hidden: boolean): string {
  if (hidden) return '<td class="null">masked</td>';
  if (cell === null || cell === undefined) return '<td class="null">null</td>';
  // Omit the fraction of whole seconds.
  const text = typeof cell === 'string' ? cell.replace(/(:\d\d)\.0+Z$/, '$1Z') : cell;
  return `<td${typeof cell === 'number' ? ' class="n"' : ''} title="${escape(text)}">${escape(text)}</td>`;
}

function columns({ profile, before, shifts }: QualityReport): string {
  if (profile === undefined) return '<section><h2>Columns</h2><p>The profile has not been created yet.</p></section>';
  const earlier = new Map(before?.profile.columns.map((one) => [one.name, one]));
  const distance = new Map(shifts.map(({ column, jsdLog2 }) => [column, jsdLog2]));
  // Columns with drift come first; the others keep the order of the schema.
  const moved = (name: string) => ((distance.get(name) ?? 0) >= FAR ? (distance.get(name) ?? 0) : 0);
  const ordered = profile.columns.toSorted((a, b) => moved(b.name) - moved(a.name));
  const cards = ordered
    .slice(0, MAX_PICTURES)
    .map((one) => columnCard(one, earlier.get(one.name), distance.get(one.name)));
  const rest = ordered.slice(MAX_PICTURES, MAX_LISTED);
  const legend =
    before === undefined
      ? ''
      : `<p class="legend"><span><i class="k-is"></i>this version</span><span><i class="k-was"></i>version ${before.number}</span><span>shares of rows; distance is the Jensen-Shannon divergence, base 2</span></p>`;
  return `<section><h2>Columns</h2>${legend}<div class="grid">${cards.join('')}</div>${restTable(rest, profile.columns.length)}</section>`;
}

function restTable(rest: readonly ColumnProfile[], all: number): string {
  if (rest.length === 0) return '';
  const rows = rest.map(
    ({ name, type, count, nulls, distinct }) =>
      `<tr><td>${escape(name)}</td><td class="mono">${escape(type)}</td><td class="n">${missingText(count, nulls)}</td><td class="n">${numberText(distinct)}</td></tr>`,
  );
  const left = all - MAX_LISTED;
  const more = left > 0 ? `<p class="quiet">The JSON of this report lists ${countText(left, 'more column')}.</p>` : '';
  return `<details><summary>${countText(rest.length, 'more column')}</summary><div class="scroll"><table><thead><tr><th>Column</th><th>Type</th><th class="n">Missing</th><th class="n">Distinct values</th></tr></thead><tbody>${rows.join('')}</tbody></table></div>${more}</details>`;
}

function columnCard(current: ColumnProfile, before: ColumnProfile | undefined, distance: number | undefined): string {
  const far = distance !== undefined && distance >= FAR;
  const badge =
    distance === undefined
      ? ''
      : ` · <span class="${far ? 'far' : ''}" title="Jensen-Shannon divergence to the previous version, base 2">${far ? '⚠ drift ' : 'distance '}${numberText(Number(distance.toPrecision(2)))}</span>`;
  const fresh = before === undefined && distance === undefined ? '' : badge;
  const picture = columnChart({ current, before }) || `<p class="quiet">${escape(noDistributionText(current))}</p>`;
  const stats = statsOf(current)
    .map(([term, text]) => `<dt>${escape(term)}</dt><dd>${escape(text)}</dd>`)
    .join('');
  return `<article class="column"><header><h3>${escape(current.name)}</h3><span class="quiet"><span class="mono">${escape(current.type)}</span>${fresh}</span></header>${picture}<dl>${stats}</dl></article>`;
}

function noDistributionText({ masked, count, family, distinct }: ColumnProfile): string {
  if (masked === true) return 'Its values are masked.';
  if (count === 0) return 'No row has a value.';
  if (family === 'text' && distinct > count / 2) return 'Almost every value is distinct.';
  return 'No distribution.';
}

function missingText(count: number, nulls: number): string {
  return count + nulls === 0 ? '–' : shareText(nulls / (count + nulls));
}

function statsOf(of: ColumnProfile): readonly (readonly [string, string])[] {
  const time = of.family === 'time';
  const value = (figure: number) =>
    time ? new Date(figure).toISOString().slice(0, 16).replace('T', ' ') : numberText(figure);
  const stats: [string, string][] = [
    ['missing', missingText(of.count, of.nulls)],
    ['distinct', `${of.distinct > 100 ? '≈ ' : ''}${numberText(of.distinct)}`],
  ];
  const add = (term: string, figure: number | undefined, text: (value: number) => string = numberText) => {
    if (figure !== undefined) stats.push([term, text(figure)]);
  };
  if (of.family === 'number') {
    add('mean', of.mean);
    add('std. dev.', of.stddev);
    add('median', of.quantiles?.p50);
    add('zeros', of.zeros === undefined || of.count === 0 ? undefined : of.zeros / of.count, shareText);
  }
  if (of.family === 'number' || time) {
    add('min', of.min, value);
    add('max', of.max, value);
  }
  if ((of.nans ?? 0) > 0) add('NaN', of.nans);
  if ((of.infinities ?? 0) > 0) add('infinite', of.infinities);
  if (of.minLength !== undefined && of.maxLength !== undefined) {
    stats.push([
      'characters',
      of.minLength === of.maxLength ? `${of.minLength}` : `${of.minLength} to ${of.maxLength}`,
    ]);
  }
  if ((of.empty ?? 0) > 0) add('empty', of.empty);
  return stats;
}

function correlations({ profile }: QualityReport): string {
  const strong = profile?.correlations.filter(({ pearson }) => Math.abs(pearson) >= 0.5).slice(0, 20) ?? [];
  if (strong.length === 0) return '';
  const rows = strong.map(
    ({ columns: [a, b], pearson }) =>
      `<tr><td>${escape(a)}</td><td>${escape(b)}</td><td class="n">${pearson.toFixed(3)}</td></tr>`,
  );
  return `<section><h2>Correlations</h2><p class="quiet">Pearson’s r with an absolute value of at least 0.5</p><div class="scroll"><table><thead><tr><th>Column</th><th>Column</th><th class="n">r</th></tr></thead><tbody>${rows.join('')}</tbody></table></div></section>`;
}

function history({ history: checks }: QualityReport): string {
  if (checks.length < 2) return '';
  const rows = checks.map(({ number, state, passed, failed, warned, createdAt }) => {
    const [kind, sign] =
      state === 'passed'
        ? ['passing', '✓']
        : state === 'failed' || state === 'error'
          ? ['failing', '✕']
          : ['warning', '…'];
    return `<tr class="${kind}"><td>version ${number}</td><td><span class="word">${sign} ${escape(state)}</span></td><td class="n">${passed}</td><td class="n">${failed}</td><td class="n">${warned}</td><td>${moment(createdAt)}</td></tr>`;
  });
  return `<section><h2>Check history</h2><div class="scroll"><table><thead><tr><th>Version</th><th>State</th><th class="n">Passed</th><th class="n">Failed</th><th class="n">Warnings</th><th>Created</th></tr></thead><tbody>${rows.join('')}</tbody></table></div></section>`;
}

function footer({ profile }: QualityReport): string {
  const seconds =
    profile === undefined
      ? ''
      : ` The profile was computed in ${numberText(Number(profile.seconds.toPrecision(2)))} s.`;
  return `<footer>Counts are exact, except for distinct values (HyperLogLog, about 2 % error) and quantiles (t-digest). Statistics and distributions exclude NaN and infinite values. The outermost bins include outliers and may be wider than drawn.${seconds}</footer>`;
}
