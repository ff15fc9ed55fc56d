/** Privileges of the user that Dais runs as, and user ids for runs of root. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';

/** A range that systemd leaves unused ("UIDs and GIDs on systemd systems"). */
const FIRST_UID = 1_900_000_000;
const UIDS = 100_000_000;

/** Bits of linux/capability.h: CHOWN, DAC_OVERRIDE, FOWNER, KILL, SETGID, SETUID, SETPCAP, SYS_ADMIN. */
const NEEDED = [0, 1, 3, 5, 6, 7, 8, 21];

export interface UserPrivileges {
  readonly isRoot: boolean;
  /** Root with all capabilities for mounts and user ids. Root in a container has fewer. */
  readonly isFullRoot: boolean;
}

let own: UserPrivileges | undefined;

export function ownPrivileges(): UserPrivileges {
  own ??= readPrivileges(
    process.geteuid?.() ?? -1,
    readFileSync('/proc/self/status', 'latin1'),
    readFileSync('/proc/self/uid_map', 'latin1'),
  );
  return own;
}

/** From /proc/self/status and /proc/self/uid_map. In a user namespace the ids of runs may be unmapped. */
export function readPrivileges(uid: number, status: string, uidMap: string): UserPrivileges {
  if (uid !== 0) return { isRoot: false, isFullRoot: false };
  const effective = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? '0'}`);
  const hasCapabilities = NEEDED.every((bit) => (effective >> BigInt(bit)) & 1n);
  const isMapped = uidMap
    .trim()
    .split('\n')
    .some((line) => {
      const [first = NaN, , count = NaN] = line.trim().split(/\s+/).map(Number);
      return first <= FIRST_UID && first + count >= FIRST_UID + UIDS;
    });
  return { isRoot: true, isFullRoot: hasCapabilities && isMapped };
}

export function uidOf(owner: string): number {
  return FIRST_UID + (createHash('sha256').update(owner).digest().readUInt32BE() % UIDS);
}
