// The types of prerequisites.mjs, which the entry runs before any TypeScript can.

/** The messages, one for each prerequisite that is missing or of the wrong version. */
export function missingPrerequisites(env?: NodeJS.ProcessEnv): string[];

/** Throws unless the version of Node that started Sluice can do so. */
export function checkNode(version: string): void;

/** The path of a Python 3.11 that can make virtual environments. Throws a message with the fix. */
export function findPython(env?: NodeJS.ProcessEnv): string;

/** The home folder of a Java 17 development kit. Throws a message with the fix. */
export function findJava(env?: NodeJS.ProcessEnv): string;

/** The path of Maven's program. Throws a message with the fix. */
export function findMaven(env?: NodeJS.ProcessEnv): string;
