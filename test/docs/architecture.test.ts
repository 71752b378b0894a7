// docs/architecture.md explains what a run can report.
import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { ALERT_KINDS } from "../../contract/run.ts";

const document = readFileSync(new URL("../../docs/architecture.md", import.meta.url), "utf8");

it.each(ALERT_KINDS)("explains the alert %s", (kind) => {
  expect(document).toMatch(new RegExp(`\\| \`${kind}\` +\\| \\w`));
});
