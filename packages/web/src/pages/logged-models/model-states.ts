import type { LoggedModelStatus } from '@dais/api/tracking';
import type { State } from '#ui/state-badge.tsx';

/** How far a logged model has come, in words. */
export const MODEL_STATES: Readonly<Record<LoggedModelStatus, { readonly state: State; readonly word: string }>> = {
  PENDING: { state: 'waiting', word: 'uploading' },
  READY: { state: 'ok', word: 'ready' },
  UPLOAD_FAILED: { state: 'failed', word: 'upload failed' },
};
