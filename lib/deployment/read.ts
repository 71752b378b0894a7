// Finds a deployment's file by its name, and reads it.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, join, relative, resolve, sep } from "node:path";
import { errorMessage } from "../../contract/error-message.ts";
import { nearest } from "../../catalog/nearest.ts";
import { parseConfig, type Config } from "../config.ts";
import { findProject, projectHere } from "../project.ts";
import { DeploymentError } from "./errors.ts";

const ENDING = ".json";
const FOLDER = "deployments";

/** The deployments that have a file, by name. */
export function deploymentNames(folder = projectHere().folder): string[] {
  const deployments = join(folder, FOLDER);
  if (!existsSync(deployments)) return [];
  return readdirSync(deployments)
    .filter((file) => file.endsWith(ENDING))
    .map((file) => basename(file, ENDING))
    .sort();
}

/**
 * The configuration of a deployment.
 *
 * @param named its name, or the path of its file: one with a slash or `.json`; undefined if none was given
 * @param folder the project's
 * @throws DeploymentError that lists every mistake, or the deployments that there are
 */
export function readDeployment(named: string | undefined, folder = projectHere().folder): Config {
  const file = fileOf(named, folder);
  const shown = shownFile(file, folder);
  return parseConfig(basename(file, ENDING), parseJson(file, shown), shown, (path) =>
    existsSync(resolve(folder, path)),
  );
}

/**
 * What the file of a deployed deployment says of where it is, or undefined if there is no such file here: a deployment
 * may have been made elsewhere.
 *
 * @throws DeploymentError that lists every mistake in the file
 */
export function describedDeployment(
  name: string,
  folder = findProject()?.folder,
): Config | undefined {
  if (folder === undefined) return undefined;
  return deploymentNames(folder).includes(name) ? readDeployment(name, folder) : undefined;
}

function fileOf(named: string | undefined, folder: string): string {
  const names = deploymentNames(folder);
  const list =
    names.length === 0
      ? `there are none: docs/deploying.md says how to write one`
      : `there are ${names.join(", ")}`;
  if (named === undefined || named === "") {
    throw new DeploymentError([
      {
        place: "the command line",
        problem: "no deployment is named",
        fix: `write -c deployment=NAME, where ${FOLDER}/NAME.json is its file; ${list}`,
      },
    ]);
  }
  const isPath = named.includes("/") || named.includes(sep) || named.endsWith(ENDING);
  const file = isPath ? resolve(folder, named) : join(folder, FOLDER, `${named}${ENDING}`);
  if (!existsSync(file)) {
    const meant = nearest(named, names);
    throw new DeploymentError([
      {
        place: `deployment ${JSON.stringify(named)}`,
        problem: `there is no file ${shownFile(file, folder)}`,
        fix: meant === undefined ? `name another; ${list}` : `write ${meant}; ${list}`,
      },
    ]);
  }
  return file;
}

function parseJson(file: string, shown: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8")) as unknown;
  } catch (error) {
    throw new DeploymentError([
      {
        place: shown,
        problem: `it is not JSON: ${errorMessage(error)}`,
        fix: "correct it; comments and trailing commas are not allowed",
      },
    ]);
  }
}

/** A path as people know it: from the project's folder, if it is in there. */
function shownFile(file: string, folder: string): string {
  const path = relative(folder, file);
  return path.startsWith("..") ? file : path;
}
