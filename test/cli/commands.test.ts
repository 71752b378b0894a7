// The command line's help and its documentation are one.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { localOptions } from "../../cli/local-stack.ts";
import { COMMANDS, commandHelp, help, isCommand } from "../../cli/commands.ts";
import { formatBytes, formatTable } from "../../cli/output.ts";

describe("help", () => {
  it("is what docs/cli.md shows", () => {
    const document = readFileSync(new URL("../../docs/cli.md", import.meta.url), "utf8");
    expect(document).toContain(help());
  });

  it("names every option of every command", () => {
    for (const command of Object.values(COMMANDS)) {
      for (const option of Object.keys(command.options)) {
        expect(commandHelp(command)).toContain(`--${option}`);
      }
    }
  });

  it("knows commands by their own names only", () => {
    expect(isCommand("run")).toBe(true);
    expect(isCommand("toString")).toBe(false);
  });
});

describe("addresses of one's own servers", () => {
  it("take credentials out of an Elasticsearch URL", () => {
    expect(localOptions({ elasticsearch: "http://reader:s%20cret@search:9200/" })).toEqual({
      context: {},
      elasticsearch: { nodes: ["http://search:9200"], username: "reader", password: "s cret" },
    });
  });

  it("read a Cassandra address", () => {
    expect(localOptions({ cassandra: "10.0.0.1:9042/dc1", context: ["schedule=off"] })).toEqual({
      context: { schedule: "off" },
      cassandra: { contactPoints: ["10.0.0.1"], port: 9042, localDataCenter: "dc1" },
    });
  });

  it.each([
    [{ elasticsearch: "search:9200" }, /--elasticsearch "search:9200"/],
    [{ cassandra: "10.0.0.1" }, /--cassandra "10.0.0.1"/],
    [{ context: ["schedule"] }, /--context "schedule"/],
  ])("refuse %j with the value and what is wanted", (given, message) => {
    expect(() => localOptions(given)).toThrow(message);
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
