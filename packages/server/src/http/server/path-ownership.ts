/** A path, or with `/*` at its end everything below it, that one adapter owns. */
export interface PathClaim {
  readonly owner: string;
  readonly path: string;
}

/**
 * Records the owner of each path. Every adapter declares its paths before it is opened; two adapters with the same path
 * are a programming error that fails the start.
 */
export class PathOwnership {
  readonly #claims: readonly PathClaim[];

  /** @throws Error naming both adapters and the path if two claims overlap or a claim is malformed. */
  constructor(claims: readonly PathClaim[]) {
    for (const claim of claims) {
      if (!/^\/[^*?#]*(\/\*)?$/.test(claim.path) || (claim.path.endsWith('/') && claim.path !== '/')) {
        throw new Error(`${claim.owner} claims "${claim.path}": a path starts with / and may end in /*`);
      }
    }
    claims.forEach((claim, index) => {
      const other = claims.slice(0, index).find((before) => overlaps(before.path, claim.path));
      if (other !== undefined) {
        throw new Error(
          other.owner === claim.owner
            ? `${claim.owner} claims ${other.path} and ${claim.path}, which overlap`
            : `${other.owner} and ${claim.owner} both claim ${other.path === claim.path ? claim.path : `${other.path} and ${claim.path}`}`,
        );
      }
    });
    this.#claims = claims;
  }

  /** Returns the adapter that owns the path of a request or route. */
  ownerOf(path: string): string | undefined {
    return this.#claims.find((claim) => covers(claim.path, path))?.owner;
  }
}

function covers(claim: string, path: string): boolean {
  return claim.endsWith('/*') ? path.startsWith(claim.slice(0, -1)) : path === claim;
}

function overlaps(a: string, b: string): boolean {
  const bare = (path: string) => (path.endsWith('/*') ? path.slice(0, -1) : path);
  return covers(a, bare(b)) || covers(b, bare(a));
}
