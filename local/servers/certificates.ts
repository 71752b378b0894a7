// Makes a certificate authority and server certificates with the JDK's keytool, for servers that speak TLS.
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { mkdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { findJava } from "../toolchain/prerequisites.mjs";

const run = promisify(execFile);
const VALID_DAYS = 30;
const PASSWORD_BYTES = 12;
const keyArguments = ["-keyalg", "EC", "-groupname", "secp256r1", "-validity", String(VALID_DAYS)];

/** A server's private key and certificate, as Java servers read them. */
export interface Keystore {
  /** A PKCS#12 file; servers get copies of their own. */
  file: string;
  password: string;
}

/** A certificate authority that only the servers of one test or trial trust. */
export interface Authority {
  /** What clients are given to trust it. */
  pem: string;
  /** Makes a key and a certificate for addresses such as `ip:127.0.0.1` or `dns:localhost`. */
  issue: (name: string, addresses: readonly string[]) => Promise<Keystore>;
}

/**
 * Makes an authority whose files lie in the folder.
 * @throws Error with keytool's words if it fails
 */
export async function makeAuthority(folder: string): Promise<Authority> {
  await mkdir(folder, { recursive: true, mode: 0o755 });
  const password = randomBytes(PASSWORD_BYTES).toString("hex");
  const inStore = (name: string): string[] => [
    ...["-keystore", join(folder, `${name}.p12`), "-storetype", "PKCS12", "-storepass", password],
  ];
  await rm(join(folder, "authority.p12"), { force: true });
  await keytool([
    ...["-genkeypair", "-alias", "authority", "-dname", "CN=Sluice authority", ...keyArguments],
    ...["-ext", "bc:critical=ca:true", "-ext", "ku:critical=keyCertSign", ...inStore("authority")],
  ]);
  const pem = await keytool([
    ...["-exportcert", "-rfc", "-alias", "authority", ...inStore("authority")],
  ]);
  const issue = async (name: string, addresses: readonly string[]): Promise<Keystore> => {
    const store = inStore(name);
    const file = join(folder, `${name}.p12`);
    await rm(file, { force: true });
    await keytool([
      ...["-genkeypair", "-alias", "server", "-dname", `CN=${name}`, ...keyArguments, ...store],
    ]);
    const request = await keytool(["-certreq", "-alias", "server", ...store]);
    const certificate = await keytool(
      [
        ...["-gencert", "-rfc", "-alias", "authority", "-validity", String(VALID_DAYS)],
        ...["-ext", `san=${addresses.join(",")}`, ...inStore("authority")],
      ],
      request,
    );
    // The server's certificate comes last: it is accepted only where its chain is known.
    await keytool(["-importcert", "-noprompt", "-alias", "authority", ...store], pem);
    await keytool(["-importcert", "-noprompt", "-alias", "server", ...store], certificate + pem);
    return { file, password };
  };
  return { pem, issue };
}

async function keytool(args: readonly string[], input = ""): Promise<string> {
  const program = join(findJava(), "bin", "keytool");
  const running = run(program, ["-J-XX:TieredStopAtLevel=1", ...args]);
  running.child.stdin?.end(input);
  try {
    return (await running).stdout;
  } catch (error) {
    const output = error instanceof Error && "stdout" in error ? String(error.stdout) : "";
    throw new Error(`keytool ${args[0] ?? ""} failed: ${output.trim() || String(error)}`, {
      cause: error,
    });
  }
}
