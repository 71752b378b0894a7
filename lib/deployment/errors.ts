// What is wrong with a deployment's file.
import { describeMistake, type Mistake } from "../../contract/mistake.ts";

/** A deployment's choices are wrong, or it is not known which deployment is meant. */
export class DeploymentError extends Error {
  override readonly name = "DeploymentError";
  readonly mistakes: readonly Mistake[];

  /** @param mistakes at least one; all of them are in the message, a line each */
  constructor(mistakes: readonly Mistake[]) {
    super(mistakes.map(describeMistake).join("\n"));
    this.mistakes = mistakes;
  }
}
