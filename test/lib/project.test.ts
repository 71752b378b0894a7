// Which project a folder is in.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { findProject } from "../../lib/project.ts";
import { stateFolder } from "../../local/state.ts";

/** A folder with these texts of package.json, by their folders in it. */
function folderWith(manifests: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "sluice-project-"));
  onTestFinished(() => {
    rmSync(folder, { recursive: true });
  });
  for (const [path, text] of Object.entries(manifests)) {
    mkdirSync(join(folder, path), { recursive: true });
    writeFileSync(join(folder, path, "package.json"), text);
  }
  return folder;
}

const MARKED = '{"sluice":{"catalog":"catalog/index.ts"}}';

test("it is the nearest above whose package.json says so", () => {
  const folder = folderWith({ ".": MARKED, "a/b": "{}", "a/b/c": MARKED, "a/b/c/d": "{}" });
  const at = (path: string): string | undefined => findProject(join(folder, path))?.folder;
  expect(at(".")).toBe(folder);
  expect(at("a/b")).toBe(folder);
  expect(at("a/b/c")).toBe(join(folder, "a/b/c"));
  expect(at("a/b/c/d")).toBe(join(folder, "a/b/c"));
  expect(findProject(folder)?.catalog).toBe("catalog/index.ts");
});

test("a folder may be in none", () => {
  expect(findProject(folderWith({ ".": '{"name":"other"}' }))).toBeUndefined();
});

test.each([
  ["{", /package\.json is not JSON/],
  ['{"sluice":{}}', /package\.json, sluice: \{\} is given\. Fix: write "sluice": \{ "catalog"/],
  ['{"sluice":{"catalog":"a","deployments":"b"}}', /sluice: \{.*"b"\} is given/],
])("%s is a mistake that is named", (text, message) => {
  const folder = folderWith({ ".": text });
  expect(() => findProject(folder)).toThrow(message);
});

test("each has a state folder of its own, and all of its folders the same", () => {
  const folder = folderWith({ a: MARKED, "a/inside": "{}", b: MARKED });
  const before = process.cwd();
  const stateOf = (path: string): string => {
    process.chdir(join(folder, path));
    return stateFolder({});
  };
  try {
    expect(stateOf("a")).toBe(stateOf("a/inside"));
    expect(stateOf("a")).not.toBe(stateOf("b"));
  } finally {
    process.chdir(before);
  }
});
