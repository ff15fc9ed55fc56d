/** State of the rows: kept out of the columns, so that a selection renders only small parts. */
import { createContext } from 'react';

export interface RowState {
  readonly chosen: ReadonlySet<string>;
  readonly choose: (run: string, on: boolean) => void;
  readonly toggleGroup: (value: string) => void;
  /** For nested runs. */
  readonly tree: RowTree | undefined;
}

export interface RowTree {
  readonly levels: ReadonlyMap<string, number>;
  readonly opened: ReadonlySet<string>;
  readonly fold: (run: string, open: boolean) => void;
}

export const RowStateContext = createContext<RowState>({
  chosen: new Set(),
  choose: () => {},
  toggleGroup: () => {},
  tree: undefined,
});
