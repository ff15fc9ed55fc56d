import { EmptyState } from '#ui/empty-state.tsx';

/** Replaces the account pages on a server without accounts. */
export function SoloNote() {
  return (
    <EmptyState
      sentence="This server runs for one local owner without sign-in. It has no accounts, tokens or sessions."
      command="dais up --accounts"
    >
      With accounts, users sign in, programs use tokens, and policies control access.
    </EmptyState>
  );
}
