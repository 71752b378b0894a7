// How one's own source is reached, as typed: an address, or a file with all that a source's secret holds.
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { errorMessage } from "../contract/error-message.ts";
import type { JsonObject } from "../contract/json.ts";
import type { SourceDeclaration } from "../sources/declaration.ts";
import { parseSecret } from "../sources/secret.ts";
import { UsageError } from "./arguments.ts";

/**
 * What the secret of a source would hold.
 * @throws UsageError if it is neither an address nor a readable file; what may be a password is not shown
 */
export function typedSecret(declaration: SourceDeclaration, typed: string): JsonObject {
  const option = `--${declaration.name} ${JSON.stringify(withoutCredentials(typed))}`;
  if (typed.startsWith("@")) return readSecretFile(option, typed, declaration);
  const secret = addressOf(declaration, typed);
  if (secret !== undefined) return secret;
  throw new UsageError(`${option}: must be ${declaration.addressForm.long}, or @FILE`);
}

function addressOf(declaration: SourceDeclaration, typed: string): JsonObject | undefined {
  try {
    return declaration.parseAddress(typed);
  } catch (error) {
    if (error instanceof URIError) return undefined;
    throw error;
  }
}

function readSecretFile(option: string, typed: string, { secret }: SourceDeclaration): JsonObject {
  // npm runs scripts in the project's folder, and names the person's own so.
  const file = resolve(process.env.INIT_CWD ?? process.cwd(), typed.slice(1));
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch (error) {
    const reason = errorMessage(error);
    throw new UsageError(`${option}: the file cannot be read (${reason})`);
  }
  const parsed = parseSecret(text, secret);
  if ("secret" in parsed) return parsed.secret;
  throw new UsageError(
    `${option}: ${file} does not have the form of the source's secret (${parsed.mistakes}); docs/deploying.md shows it`,
  );
}

/** All that stands before the last @, where a password is. */
function withoutCredentials(typed: string): string {
  if (typed.startsWith("@")) return typed;
  const at = typed.lastIndexOf("@");
  return at < 0 ? typed : `…${typed.slice(at)}`;
}
