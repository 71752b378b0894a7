// What the secrets of all sources have in common: credentials that belong together, and certificates that can be read.
import { X509Certificate } from "node:crypto";
import { z } from "zod";

const certificatePattern = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** Certificates of authorities, PEM. Text by which Node would silently trust nothing is rejected. */
export const authoritiesSchema = z.string().refine(areCertificates, {
  error:
    "must be certificates in PEM, with real line ends: -----BEGIN CERTIFICATE----- … -----END CERTIFICATE-----",
});

/** One without the other would silently log in as nobody. */
export function areBothOrNeither(secret: {
  readonly username?: string | undefined;
  readonly password?: string | undefined;
}): boolean {
  return (secret.username === undefined) === (secret.password === undefined);
}

export const bothOrNeither = { error: 'needs both of "username" and "password", or neither' };

/** The secret, or names and kinds of its mistakes, which never quote a value. */
export function parseSecret<T>(
  text: string,
  schema: z.ZodType<T>,
): { readonly secret: T } | { readonly mistakes: string } {
  const parsed = schema.safeParse(parseJson(text));
  if (parsed.success) return { secret: parsed.data };
  const mistakes = parsed.error.issues.map(
    (issue) => `${issue.path.join(".") || "all"}: ${describeMistake(issue)}`,
  );
  return { mistakes: mistakes.join(", ") };
}

// zod's own messages may quote what they found.
function describeMistake(issue: z.core.$ZodIssue): string {
  if (issue.code === "custom") return issue.message;
  if (issue.code === "unrecognized_keys") return `there is no ${issue.keys.join(", ")}`;
  return issue.code;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function areCertificates(text: string): boolean {
  const certificates = text.match(certificatePattern) ?? [];
  return certificates.length > 0 && certificates.every(isCertificate);
}

function isCertificate(pem: string): boolean {
  try {
    new X509Certificate(pem);
    return true;
  } catch {
    return false;
  }
}
