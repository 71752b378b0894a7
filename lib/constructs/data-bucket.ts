// The one bucket for everything that the warehouse is made of, and the bucket of its access logs.
import { Duration, RemovalPolicy } from "aws-cdk-lib";
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  ObjectOwnership,
  type IBucket,
} from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";

/** The same for each deployment of a name: what an earlier one left is found, and can be taken over. */
export interface BucketNames {
  readonly data: string;
  readonly accessLogs: string;
}

export class DataBucket extends Construct {
  readonly bucket: Bucket;
  readonly accessLogs: Bucket;

  constructor(scope: Construct, id: string, names: BucketNames) {
    super(scope, id);
    const closed = {
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      encryption: BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    };
    this.accessLogs = new Bucket(this, "AccessLogs", {
      bucketName: names.accessLogs,
      ...closed,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_PREFERRED,
      lifecycleRules: [{ expiration: Duration.days(90) }],
    });
    this.bucket = new Bucket(this, "Data", {
      bucketName: names.data,
      ...closed,
      // The assertion: Bucket and IBucket differ in an optional property under exactOptionalPropertyTypes.
      serverAccessLogsBucket: this.accessLogs as IBucket,
      lifecycleRules: [
        { abortIncompleteMultipartUploadAfter: Duration.days(2) },
        { prefix: "runs/", expiration: Duration.days(90) },
      ],
    });
  }
}
