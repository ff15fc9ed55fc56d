/** Returns the classes of an HTML page that its own style sheet has no rule for. */
export function unstyledClasses(html: string): readonly string[] {
  const style = [...html.matchAll(/<style[^>]*>([^]*?)<\/style>/g)].map(([, text = '']) => text).join('\n');
  const classes = [...html.matchAll(/\sclass="([^"]*)"/g)].flatMap(([, names = '']) => names.split(/\s+/));
  return [...new Set(classes)].filter((name) => name !== '' && !hasRule(style, name)).toSorted();
}

function hasRule(style: string, name: string): boolean {
  return new RegExp(`\\.${name.replaceAll(/[^\w-]/g, '\\$&')}(?![\\w-])`).test(style);
}
