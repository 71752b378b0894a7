// How much the virtual machines of Elasticsearch and Cassandra compile what they run.

/**
 * The options for Java. A server that lives for minutes never earns back what the C2 JIT compiler costs: without it
 * Elasticsearch starts with 10 s of CPU in place of 24, Cassandra with 11 in place of 16. `SLUICE_JAVA_COMPILER=full`
 * gives servers as they are in production, for whoever measures or loads them for long.
 * @throws Error if the environment holds another value
 */
export function compilerOptions(
  choice = process.env.SLUICE_JAVA_COMPILER ?? "quick",
): readonly string[] {
  switch (choice) {
    case "full":
      return [];
    case "quick":
      return ["-XX:TieredStopAtLevel=1"];
    default:
      throw new Error(
        `SLUICE_JAVA_COMPILER is ${JSON.stringify(choice)}: give "quick" (servers that live for minutes) or "full" ` +
          "(servers that are measured), or leave it unset for quick.",
      );
  }
}
