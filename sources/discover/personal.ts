// Guesses which columns hold personal data, by their names and by what was sampled; a person decides.
import type { Observation } from "./observe.ts";

const NAMES: readonly (readonly [pattern: RegExp, what: string])[] = [
  [/(^|_)(e_?)?mail(s|_address)?($|_)/, "an e-mail address"],
  [/(^|_)(phone|telephone|mobile|fax|msisdn)($|_)/, "a phone number"],
  [
    /(^|_)(first|last|full|given|family|middle|maiden|sur|user|contact|person)_?names?($|_)/,
    "a person's name",
  ],
  [/(^|_)(ip|ips|ip_?addr(ess)?|remote_addr|client_ip)($|_)/, "an internet address"],
  [
    /(^|_)(street|zip|zip_?code|postal_?code|post_?code|address(es)?|house_?number)($|_)/,
    "an address",
  ],
  [
    /(^|_)(birth|birth_?da(y|te)|dob|age|gender|salutation|nationality)($|_)/,
    "a trait of a person",
  ],
  [
    /(^|_)(ssn|tax_?id|passport|iban|bic|credit_?card|card_?number|account_?number)($|_)/,
    "a number that names a person",
  ],
  [/(^|_)(lat|latitude|lon|lng|longitude|geo|location)($|_)/, "a place"],
  [
    /(^|_)(user_?agent|cookie|device_?id|session_?id|fingerprint|visitor_?id|user_?id)($|_)/,
    "a device or its user",
  ],
  [
    /(^|_)(url|referr?er|query_?string)($|_)/,
    "an address on the web, which may hold personal data",
  ],
];

/** Why a column may hold personal data, or null. */
export function guessPersonal(
  name: string,
  sourceType: string,
  observed: Observation | null,
): string | null {
  if (/^(ip|inet)$/.test(sourceType)) return "an internet address by its type";
  const texts = observed?.texts;
  if (texts !== undefined && texts.count > 0) {
    if (texts.emails * 5 >= texts.count) return "e-mail addresses among the sampled values";
    if (texts.addresses * 5 >= texts.count) return "internet addresses among the sampled values";
  }
  const found = NAMES.find(([pattern]) => pattern.test(name));
  if (found !== undefined) return `${found[1]} by its name`;
  for (const [child, inner] of observed?.children ?? []) {
    const reason = guessPersonal(snake(child), "", inner);
    if (reason !== null) return `${child} inside: ${reason}`;
  }
  return name === "name" ? "a person's name, if it is one" : null;
}

function snake(name: string): string {
  return name.replaceAll(/([a-z0-9])([A-Z])/g, "$1_$2").toLowerCase();
}
