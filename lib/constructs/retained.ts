// What `cdk destroy` leaves: it has a name that each deployment of the same name gives, so that the next one finds it.
import { CfnResource } from "aws-cdk-lib";
import type { IConstruct } from "constructs";
import type { RetainedKind } from "../../functions/preflight/names.ts";

export interface Retained {
  readonly kind: RetainedKind;
  readonly name: string;
  readonly resource: CfnResource;
  /** Whether it is a part of the data that is useless without the other parts. */
  readonly isData: boolean;
}

/** @param construct the resource, or the construct that is one */
export function retained(
  kind: RetainedKind,
  name: string,
  construct: IConstruct,
  { isData }: { isData: boolean },
): Retained {
  const resource = CfnResource.isCfnResource(construct) ? construct : construct.node.defaultChild;
  if (!CfnResource.isCfnResource(resource)) {
    throw new Error(`${construct.node.path} is not one resource`);
  }
  return { kind, name, resource, isData };
}
