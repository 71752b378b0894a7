// The one bucket for everything that the warehouse is made of, and the bucket of its access logs.
import { Duration, RemovalPolicy, Stack } from "aws-cdk-lib";
import type { IGrantable } from "aws-cdk-lib/aws-iam";
import type { IKey } from "aws-cdk-lib/aws-kms";
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  ObjectOwnership,
  type IBucket,
} from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import { hyphened } from "../deployment/service-names.ts";
import { acknowledgePattern, allow, allowKey } from "./grants.ts";
import { retained, type Retained } from "./retained.ts";

/** What keys begin with: docs/architecture.md, Keys in the data bucket. */
export type Prefix =
  "raw" | "manifests" | "lake" | "deltas" | "quarantine" | "drift" | "builds" | "loads" | "runs";

export interface DataBucketProps {
  readonly deployment: string;
  /** In place of a bucket that is made; its owner is responsible for everything but access. */
  readonly given: IBucket | undefined;
  /** Of a bucket that is made; without it S3's own. */
  readonly encryptionKey: IKey | undefined;
}

export class DataBucket extends Construct {
  readonly bucket: IBucket;
  readonly retained: readonly Retained[];

  constructor(scope: Construct, id: string, { deployment, given, encryptionKey }: DataBucketProps) {
    super(scope, id);
    if (given !== undefined) {
      this.bucket = given;
      this.retained = [];
      return;
    }
    const { account, region } = Stack.of(this);
    const nameOf = (part: string): string => `${hyphened(deployment)}-${part}-${account}-${region}`;
    const closed = {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      enforceSSL: true,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    };
    const accessLogs = new Bucket(this, "AccessLogs", {
      bucketName: nameOf("logs"),
      ...closed,
      // S3 delivers logs into a bucket with another key only if that key's policy lets it. They hold no rows.
      encryption: BucketEncryption.S3_MANAGED,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_PREFERRED,
      lifecycleRules: [{ expiration: Duration.days(90) }],
    });
    const data = new Bucket(this, "Data", {
      bucketName: nameOf("data"),
      ...closed,
      ...(encryptionKey === undefined
        ? { encryption: BucketEncryption.S3_MANAGED }
        : { encryption: BucketEncryption.KMS, encryptionKey, bucketKeyEnabled: true }),
      // The assertion: Bucket and IBucket differ in an optional property under exactOptionalPropertyTypes.
      serverAccessLogsBucket: accessLogs as IBucket,
      lifecycleRules: [
        { abortIncompleteMultipartUploadAfter: Duration.days(2) },
        { prefix: "runs/", expiration: Duration.days(90) },
      ],
    });
    // The assertion: as above.
    this.bucket = data as IBucket;
    this.retained = [
      retained("bucket", nameOf("data"), data, { isData: true }),
      retained("bucket", nameOf("logs"), accessLogs, { isData: false }),
    ];
  }

  get name(): string {
    return this.bucket.bucketName;
  }

  /** Lets a role read and list the objects under some prefixes. */
  grantRead(grantee: IGrantable, ...prefixes: Prefix[]): void {
    for (const prefix of prefixes) {
      this.#allowObjects(grantee, prefix, ["s3:GetObject"]);
      this.#allowListing(grantee, prefix, "s3:ListBucket");
    }
    this.#allowKey(grantee, "read");
  }

  /** Lets a role write objects under some prefixes, each in one request. */
  grantWrite(grantee: IGrantable, ...prefixes: Prefix[]): void {
    for (const prefix of prefixes) this.#allowObjects(grantee, prefix, ["s3:PutObject"]);
    this.#allowKey(grantee, "write");
  }

  /** Lets a role read, list, write and delete as Iceberg and Hadoop's S3A do, which handle uploads' parts themselves. */
  grantSpark(grantee: IGrantable, ...prefixes: Prefix[]): void {
    this.grantRead(grantee, ...prefixes);
    this.grantWrite(grantee, ...prefixes);
    for (const prefix of prefixes) {
      this.#allowObjects(grantee, prefix, [
        ...["s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"],
      ]);
      this.#allowListing(grantee, prefix, "s3:ListBucketMultipartUploads");
      // Before S3A makes a folder it looks whether a file of that name is in the way; it must see none.
      allow(grantee, ["s3:GetObject"], [this.bucket.arnForObjects(prefix)]);
    }
    allow(grantee, ["s3:GetBucketLocation"], [this.bucket.bucketArn]);
  }

  #allowObjects(grantee: IGrantable, prefix: Prefix, actions: readonly string[]): void {
    const objects = this.bucket.arnForObjects(`${prefix}/*`);
    allow(grantee, actions, [objects]);
    acknowledgePattern(
      grantee,
      objects,
      "The objects of one prefix; their names are made at run time",
    );
  }

  /**
   * Without permission to list, S3 returns "access denied" for a missing object, which says nothing. A request for
   * an object has no prefix, and must pass; a listing has one.
   */
  #allowListing(grantee: IGrantable, prefix: Prefix, action: string): void {
    allow(grantee, [action], [this.bucket.bucketArn], {
      StringLikeIfExists: { "s3:prefix": `${prefix}/*` },
    });
  }

  /** S3 reads and encrypts with the key on behalf of the caller. */
  #allowKey(grantee: IGrantable, use: "read" | "write"): void {
    const key = this.bucket.encryptionKey;
    if (key !== undefined) allowKey(grantee, key, "s3", [use]);
  }
}
