// What people must fix when a TLS handshake fails, for the messages of all sources.

const advices: readonly (readonly [RegExp, string])[] = [
  [
    /does not match certificate/i,
    "Give the server a certificate for this address, or call it in the source's secret what its certificate calls it " +
      '(Elasticsearch: "nodes", Cassandra: "serverName").',
  ],
  [/certificate has expired|not yet valid/i, "Renew the server's certificate."],
  [
    /alert.*certificate|certificate required/i,
    "The server demands a certificate of its client, which Sluice does not have: let it accept passwords or keys.",
  ],
  [
    /certificate/i,
    "Put the certificates (PEM) of the authority that signed the server's certificate as \"ca\" into the source's secret.",
  ],
  [
    /wrong version number|packet length too long/i,
    "The server does not speak TLS at this port: correct the address, or take TLS out of the source's secret " +
      '(https, "ca").',
  ],
];

/**
 * @param message of the error with which the connection failed
 * @returns what to do, or undefined if TLS was not what failed
 */
export function tlsAdvice(message: string): string | undefined {
  return advices.find(([pattern]) => pattern.test(message))?.[1];
}
