import { kinds } from '@dais/api';
import { useNavigate } from '@tanstack/react-router';
import {
  accessAddress,
  auditAddress,
  eventsAddress,
  executionsAddress,
  experimentsAddress,
  listAddress,
  mentionsAddress,
  promptsAddress,
} from '#addresses.ts';
import { plural } from '#kinds/kind-words.ts';
import { useCurrentProject } from '#server/current-project.ts';
import { useTheme } from '#ui/use-theme.ts';
import type { Shortcut } from '#ui/use-shortcuts.ts';

/** Keys after `g`, by kind; other kinds are reached through the palette. */
const GO_TO = {
  s: 'Secret',
  c: 'AlertChannel',
  m: 'Model',
  p: 'Project',
  u: 'User',
  d: 'Dataset',
  f: 'FeatureView',
} as const;

/** Shortcuts that work on every page. */
export function useFrameShortcuts(): readonly Shortcut[] {
  const navigate = useNavigate();
  const project = useCurrentProject();
  const { toggle } = useTheme();
  const lists = Object.entries(GO_TO).flatMap(([key, word]): Shortcut[] => {
    const kind = kinds.find((one) => one.kind === word);
    if (kind === undefined) return [];
    return [{ keys: `g ${key}`, title: `Go to ${plural(kind)}`, run: () => void navigate(listAddress(kind, project)) }];
  });
  return [
    { keys: 'g h', title: 'Go home', run: () => void navigate({ to: '/' }) },
    ...lists,
    { keys: 'g e', title: 'Go to events', run: () => void navigate(eventsAddress(project)) },
    { keys: 'g r', title: 'Go to experiments', run: () => void navigate(experimentsAddress(project)) },
    { keys: 'g x', title: 'Go to jobs', run: () => void navigate(executionsAddress(project)) },
    { keys: 'g t', title: 'Go to prompts', run: () => void navigate(promptsAddress(project)) },
    { keys: 'g n', title: 'Go to mentions', run: () => void navigate(mentionsAddress(project)) },
    { keys: 'g a', title: 'Go to access', run: () => void navigate(accessAddress(project)) },
    { keys: 'g l', title: 'Go to the audit log', run: () => void navigate(auditAddress(project)) },
    { keys: 'd', title: 'Switch between dark and light theme', run: toggle },
  ];
}
