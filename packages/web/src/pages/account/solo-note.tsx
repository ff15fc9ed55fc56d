import { EmptyState } from '#ui/empty-state.tsx';

/** In place of pages about accounts, where there are none. */
export function SoloNote() {
  return (
    <EmptyState
      sentence="This Dais has one owner on this machine, who need not sign in: there are no accounts, tokens or sessions."
      command="dais up --accounts"
    >
      With accounts, people sign in, programs bring tokens, and policies say who may do what.
    </EmptyState>
  );
}
