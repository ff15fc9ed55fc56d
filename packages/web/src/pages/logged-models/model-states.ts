import type { LoggedModelStatus } from '@dais/api/tracking';
import type { State } from '#ui/state-badge.tsx';

/** States of a logged model as texts. */
export const MODEL_STATES: Readonly<Record<LoggedModelStatus, { readonly state: State; readonly word: string }>> = {
  PENDING: { state: 'waiting', word: 'uploading' },
  READY: { state: 'ok', word: 'ready' },
  UPLOAD_FAILED: { state: 'failed', word: 'upload failed' },
};
