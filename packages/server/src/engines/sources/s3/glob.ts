/** Globs over keys: `*` matches anything except `/`, `**` anything, `?` one character except `/`. Pure. */

/** Returns the prefix before the first wildcard, for listings. */
export function globPrefix(glob: string): string {
  const at = glob.search(/[*?]/);
  return at === -1 ? glob : glob.slice(0, at);
}

export function globPattern(glob: string): RegExp {
  const parts = glob.split(/(\*\*\/?|\*|\?)/);
  const body = parts.map((part) => {
    if (part === '**/') return '(?:.*/)?';
    if (part === '**') return '.*';
    if (part === '*') return '[^/]*';
    if (part === '?') return '[^/]';
    return part.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`);
  });
  return new RegExp(`^${body.join('')}$`, 's');
}
