// The command line's help and its documentation are one.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { localOptions } from "../../cli/local-stack.ts";
import { COMMANDS, commandHelp, help, REPOSITORY_COMMANDS } from "../../cli/commands.ts";
import { formatBytes, formatTable } from "../../cli/output.ts";

describe("help", () => {
  it("is what docs/cli.md shows", () => {
    const document = readFileSync(new URL("../../docs/cli.md", import.meta.url), "utf8");
    expect(document).toContain(help(COMMANDS));
    const more = Object.values(REPOSITORY_COMMANDS).map(commandHelp).join("\n");
    expect(document).toContain(more);
  });

  it("names every option of every command", () => {
    for (const command of Object.values({ ...COMMANDS, ...REPOSITORY_COMMANDS })) {
      for (const option of Object.keys(command.options)) {
        expect(commandHelp(command)).toContain(`--${option}`);
      }
    }
  });
});

describe("addresses of one's own servers", () => {
  it("take credentials out of an Elasticsearch URL", () => {
    expect(localOptions({ elasticsearch: "http://reader:s%20cret@search:9200/" })).toEqual({
      set: {},
      secrets: {
        elasticsearch: { nodes: ["http://search:9200"], username: "reader", password: "s cret" },
      },
    });
  });

  it("read a Cassandra address", () => {
    expect(localOptions({ cassandra: "10.0.0.1:9042/dc1", set: ["schedule=off"] })).toEqual({
      set: { schedule: "off" },
      secrets: { cassandra: { contactPoints: ["10.0.0.1"], port: 9042, localDataCenter: "dc1" } },
    });
  });

  it.each([
    [{ elasticsearch: "search:9200" }, /--elasticsearch "search:9200"/],
    [{ cassandra: "10.0.0.1" }, /--cassandra "10.0.0.1"/],
    [{ set: ["schedule"] }, /--set "schedule"/],
    [{ set: ["shedule=off"] }, /--set, shedule: .*"off".*write "schedule"/],
    [{ set: ["extractTimeoutSeconds=9"] }, /--set, extractTimeoutSeconds: 9 is not allowed here/],
    [{ set: ["catalog=nowhere.ts"] }, /--set, catalog: there is no file "nowhere\.ts"/],
    [{ set: ["region=eu-central-1"] }, /--set region: "eu-central-1" .* it is us-east-1/],
    [{ elasticsearch: "@/no/such/file" }, /--elasticsearch "@\/no\/such\/file": .*ENOENT/],
  ])("reject %j with the value and what it must be", (given, message) => {
    expect(() => localOptions(given)).toThrow(message);
  });

  it("read credentials of a Cassandra address", () => {
    expect(
      localOptions({ cassandra: "reader:s%40cret@10.0.0.1:9042/dc1" }).secrets.cassandra,
    ).toEqual({
      ...{ contactPoints: ["10.0.0.1"], port: 9042, localDataCenter: "dc1" },
      ...{ username: "reader", password: "s@cret" },
    });
  });

  it.each([
    { elasticsearch: "htp://reader:hidden@search:9200" },
    { elasticsearch: "https://reader:hid%den@search:9200" },
    { cassandra: "reader:hidden@10.0.0.1" },
    { cassandra: "reader:hid/den@10.0.0.1:9042/dc1" },
  ])("do not show the password of %j when they reject it", (given) => {
    expect(() => localOptions(given)).toThrow(/"…@/);
    expect(() => localOptions(given)).not.toThrow(/hid/);
  });

  it("take a file with all that the source's secret holds, beside the folder that the person is in", () => {
    const folder = mkdtempSync(join(tmpdir(), "sluice-cli-test-"));
    onTestFinished(() => {
      rmSync(folder, { recursive: true });
      vi.unstubAllEnvs();
    });
    vi.stubEnv("INIT_CWD", folder);
    const secret = { nodes: ["https://search:9200"], apiKey: "key" };
    writeFileSync(join(folder, "search.json"), JSON.stringify(secret));
    expect(localOptions({ elasticsearch: "@search.json" }).secrets.elasticsearch).toEqual(secret);
    const wrong = { nodes: ["https://search:9200"], api_key: "hidden", ca: "hidden" };
    writeFileSync(join(folder, "search.json"), JSON.stringify(wrong));
    const attempt = (): unknown => localOptions({ elasticsearch: "@search.json" });
    expect(attempt).toThrow(/@search.json.*ca: must be certificates in PEM.*there is no api_key/);
    expect(attempt).not.toThrow(/hidden/);
  });
});

describe("output", () => {
  it("puts numbers to the right", () => {
    expect(
      formatTable(
        ["name", "n"],
        [
          ["a", "1"],
          ["bb", "1,000"],
        ],
      ),
    ).toBe(
      ["name  n    ", "────  ─────", "a         1", "bb    1,000"]
        .map((l) => l.trimEnd())
        .join("\n"),
    );
  });

  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1536, "1.5 KiB"],
    [5 * 1024 ** 3, "5.0 GiB"],
  ])("writes %d bytes as %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });
});
