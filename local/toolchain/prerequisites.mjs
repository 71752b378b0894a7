// Finds the programs that Sluice needs on the machine, and says what to do about a missing one.
import { spawnSync } from "node:child_process";
import { accessSync, constants, readFileSync, realpathSync, statSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";

const oldestNode = 18;
const pythonVersion = "3.11";
const javaVersion = "17";

/** The messages, one for each prerequisite that is missing or of the wrong version. */
export function missingPrerequisites(env = process.env) {
  return [() => checkNode(process.versions.node), findPython, findJava, findMaven].flatMap(
    (find) => {
      try {
        find(env);
        return [];
      } catch (error) {
        return [error.message];
      }
    },
  );
}

/** Throws unless the version of Node that started Sluice can do so. */
export function checkNode(version) {
  if (Number(version.split(".")[0]) >= oldestNode) return;
  throw new Error(
    `Node ${oldestNode} or newer is needed to start; found Node ${version} (${process.execPath}). ` +
      "Install a current one from https://nodejs.org or with your version manager. " +
      "(Node 24, which Sluice itself runs on, comes with npm ci.)",
  );
}

/** The path of a Python 3.11 that can make virtual environments. */
export function findPython(env = process.env) {
  const probe = "import sys; print('%d.%d' % sys.version_info[:2]); import venv, ensurepip";
  const others = [];
  for (const path of candidates(["python3.11", "python3", "python"], env)) {
    const { stdout, status } = run(path, ["-c", probe], env);
    const version = stdout.trim();
    if (version === pythonVersion && status === 0) return path;
    if (version === pythonVersion)
      others.push(`Python ${version} without its venv module (${path})`);
    else if (version !== "") others.push(`Python ${version} (${path})`);
  }
  throw new Error(
    `Python ${pythonVersion} with its venv module is needed (AWS Glue 5 runs on it); ` +
      `found ${list(others, "no Python on PATH")}. ` +
      `Install it: "apt install python3.11 python3.11-venv", "brew install python@3.11", ` +
      `"pyenv install 3.11" or "uv python install 3.11"; it must answer to python3.11 or python3 on PATH.`,
  );
}

/** The home of a Java 17 development kit: JAVA_HOME if set, else that of the java on PATH. */
export function findJava(env = process.env) {
  const howTo =
    'Install it: "apt install openjdk-17-jdk-headless", "brew install openjdk@17" or "sdk install java 17-open"; ' +
    "then set JAVA_HOME to it or put its java on PATH.";
  const need = `A Java ${javaVersion} development kit (java and javac) is needed (Spark, Elasticsearch, Cassandra)`;
  const java = env.JAVA_HOME ? join(env.JAVA_HOME, "bin", "java") : candidates(["java"], env)[0];
  if (java === undefined) throw new Error(`${need}; found no java on PATH. ${howTo}`);
  if (!isExecutable(java)) {
    throw new Error(
      `${need}; JAVA_HOME is ${env.JAVA_HOME}, but ${java} is not a program. ${howTo}`,
    );
  }
  const { home, version } = describeJava(java, env);
  if (version.split(".")[0] !== javaVersion) {
    throw new Error(
      `${need}; found Java ${version || "of an unknown version"} (${java}). ${howTo}`,
    );
  }
  if (!isExecutable(join(home, "bin", "javac"))) {
    throw new Error(`${need}; found Java ${version} without javac (${home}). ${howTo}`);
  }
  return home;
}

/** The path of Maven's program. */
export function findMaven(env = process.env) {
  const [maven] = candidates(["mvn"], env);
  if (maven !== undefined) return maven;
  throw new Error(
    "Maven is needed (it fetches the local servers and Spark's libraries); found no mvn on PATH. " +
      'Install it: "apt install maven", "brew install maven" or "sdk install maven".',
  );
}

// Asking Java itself takes a fifth of a second, reading the file beside it nothing.
function describeJava(java, env) {
  const home = dirname(dirname(realpathSync(java)));
  try {
    const version = /^JAVA_VERSION="([^"]+)"/m.exec(readFileSync(join(home, "release"), "utf8"));
    if (version !== null) return { home, version: version[1] };
  } catch {
    // A link or wrapper that lies elsewhere: ask it.
  }
  const { stderr } = run(java, ["-XshowSettings:properties", "-version"], env);
  const property = (name) => new RegExp(`^ *${name} = (.*)$`, "m").exec(stderr)?.[1] ?? "";
  return { home: property("java\\.home") || home, version: property("java\\.version") };
}

function run(command, args, env) {
  const result = spawnSync(command, args, {
    env,
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
    timeout: 30_000,
  });
  // One that Ctrl-C has ended says nothing of what is installed.
  if (result.signal !== null && result.error === undefined) {
    throw new Error(`${command} was ended by ${result.signal} before it had shown its version.`);
  }
  return { stdout: result.stdout ?? "", stderr: result.stderr ?? "", status: result.status };
}

function candidates(names, env) {
  const folders = (env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  const paths = names.flatMap((name) => folders.map((folder) => join(folder, name)));
  return paths.filter(isExecutable);
}

function isExecutable(path) {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

function list(items, whenEmpty) {
  return items.length === 0 ? whenEmpty : [...new Set(items)].join(", ");
}
