/**
 * Compares two semantic versions (semver.org §11, without build metadata): negative when `a` is older. Missing parts
 * count as 0; a pre-release is older than its release.
 */
export function compareVersions(a: string, b: string): number {
  const [coreA, preA] = split(a);
  const [coreB, preB] = split(b);
  for (let index = 0; index < 3; index += 1) {
    const difference = Number(coreA[index] ?? 0) - Number(coreB[index] ?? 0);
    if (difference !== 0) return difference;
  }
  if (preA.length === 0 || preB.length === 0) return preB.length - preA.length;
  for (let index = 0; index < Math.max(preA.length, preB.length); index += 1) {
    const order = compareParts(preA[index], preB[index]);
    if (order !== 0) return order;
  }
  return 0;
}

function split(version: string): [string[], string[]] {
  const [withoutBuild = ''] = version.split('+');
  const dash = withoutBuild.indexOf('-');
  if (dash < 0) return [withoutBuild.split('.'), []];
  return [withoutBuild.slice(0, dash).split('.'), withoutBuild.slice(dash + 1).split('.')];
}

/** Numbers precede words; a shorter list of parts precedes a longer one. */
function compareParts(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1;
  const [numberA, numberB] = [/^\d+$/.test(a), /^\d+$/.test(b)];
  if (numberA && numberB) return Number(a) - Number(b);
  if (numberA !== numberB) return numberA ? -1 : 1;
  return a < b ? -1 : a > b ? 1 : 0;
}
