// The types of lock.mjs, which the entry runs before any TypeScript can.

/** Choices for {@link withLock}. */
export interface LockOptions {
  /** Called once, with the holder's process id, when another living process holds the lock. */
  onWait?: (holderPid: number) => void;
  /** After how long to give up on a living holder; an hour by default. */
  deadlineSeconds?: number;
}

/**
 * Does `work` while holding the lock `file`, and returns what it returns. A lock whose holder is
 * dead is taken over. Throws when a living holder keeps it for longer than the deadline.
 */
export function withLock<T>(
  file: string,
  work: () => Promise<T>,
  options?: LockOptions,
): Promise<T>;
