/** The result of one check. */
export interface Finding {
  /** The subject of the check: `disk`. */
  readonly name: string;
  readonly state: 'ok' | 'warning' | 'problem' | 'skipped';
  readonly detail: string;
  /** The remedy, for warnings and problems. */
  readonly remedy?: string;
}

export function ok(name: string, detail: string): Finding {
  return { name, state: 'ok', detail };
}

export function warning(name: string, detail: string, remedy: string): Finding {
  return { name, state: 'warning', detail, remedy };
}

export function problem(name: string, detail: string, remedy: string): Finding {
  return { name, state: 'problem', detail, remedy };
}

export function skipped(name: string, detail: string): Finding {
  return { name, state: 'skipped', detail };
}
