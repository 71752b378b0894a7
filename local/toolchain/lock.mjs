// Lets one process at a time do work that two at once would break, such as an installation.
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { setTimeout as delay } from "node:timers/promises";

const pollMilliseconds = 200;
// Longer than anybody needs to write one line into a file that exists already.
const emptyLockGraceMilliseconds = 10_000;

/**
 * Does `work` while holding the lock `file`, and returns what it returns. A lock whose holder is
 * dead is taken over. Throws when a living holder keeps it for longer than `deadlineSeconds`.
 */
export async function withLock(
  file,
  work,
  { onWait = () => undefined, deadlineSeconds = 3600 } = {},
) {
  mkdirSync(dirname(file), { recursive: true });
  const deadline = Date.now() + deadlineSeconds * 1000;
  let isReported = false;
  while (!take(file)) {
    const holder = readHolder(file);
    if (holder?.stale) {
      putAside(file, holder.text);
      continue;
    }
    if (!isReported && holder !== undefined) {
      isReported = true;
      onWait(holder.pid);
    }
    if (Date.now() > deadline) {
      throw new Error(
        `Process ${holder?.pid ?? "?"} has held ${file} for over ${deadlineSeconds} s. ` +
          "End that process, or delete the file if it is not a Sluice process.",
      );
    }
    await delay(pollMilliseconds);
  }
  try {
    return await work();
  } finally {
    rmSync(file, { force: true });
  }
}

function take(file) {
  try {
    writeFileSync(file, `${process.pid} ${startTime(process.pid)}\n`, { flag: "wx" });
    return true;
  } catch (error) {
    if (error.code === "EEXIST") return false;
    throw error;
  }
}

function readHolder(file) {
  try {
    const text = readFileSync(file, "utf8");
    const [pid, started] = text.trim().split(" ");
    if (started === undefined) {
      const age = Date.now() - statSync(file).mtimeMs;
      return { text, pid: 0, stale: age > emptyLockGraceMilliseconds };
    }
    return { text, pid: Number(pid), stale: startTime(Number(pid)) !== started };
  } catch (error) {
    if (error.code === "ENOENT") return undefined;
    throw error;
  }
}

// Of two that find the same dead holder one may move the other's new lock: then it goes back.
function putAside(file, seenText) {
  const aside = `${file}.${process.pid}.stale`;
  try {
    renameSync(file, aside);
    if (readFileSync(aside, "utf8") === seenText) rmSync(aside);
    else renameSync(aside, file);
  } catch (error) {
    if (error.code !== "ENOENT") throw error;
  }
}

/**
 * When the process began, as a text that only serves to distinguish it from a later process with the same
 * id; "-" for a process that is gone, "+" for a living one where the system does not say.
 */
function startTime(pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // The second field, the program's name, may itself hold blanks and brackets.
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ")[19];
  } catch {
    if (process.platform === "linux") return "-";
  }
  try {
    process.kill(pid, 0);
    return "+";
  } catch (error) {
    return error.code === "EPERM" ? "+" : "-";
  }
}
