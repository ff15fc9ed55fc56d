/** Parses delimited text (RFC 4180), as far as it is loaded. Pure functions. */

/** `whole`: false when the text is truncated; then its last row is omitted. */
export function readDelimited(
  text: string,
  delimiter: string,
  most: number,
  whole: boolean,
): readonly (readonly string[])[] {
  const rows: string[][] = [];
  let row: string[] = [];
  let field = '';
  let quoted = false;
  let at = 0;
  const endRow = () => {
    row.push(field);
    rows.push(row);
    row = [];
    field = '';
  };
  for (; at < text.length && rows.length < most; at++) {
    const sign = text[at] ?? '';
    if (quoted) {
      if (sign !== '"') field += sign;
      else if (text[at + 1] === '"') {
        field += '"';
        at++;
      } else quoted = false;
    } else if (sign === '"' && field === '') quoted = true;
    else if (sign === delimiter) {
      row.push(field);
      field = '';
    } else if (sign === '\n') endRow();
    else if (sign !== '\r') field += sign;
  }
  if (whole && at === text.length && rows.length < most && (field !== '' || row.length > 0)) endRow();
  return rows;
}

/** The table format of clients: `{"columns": […], "data": [[…]]}`; undefined for any other JSON. */
export function tableOfJson(value: unknown): readonly (readonly string[])[] | undefined {
  const { columns, data } = (value ?? {}) as { readonly columns?: unknown; readonly data?: unknown };
  if (!Array.isArray(columns) || !Array.isArray(data) || !data.every(Array.isArray)) return undefined;
  const text = (cell: unknown) => (typeof cell === 'string' ? cell : JSON.stringify(cell));
  return [columns.map(text), ...(data as unknown[][]).map((row) => row.map(text))];
}
