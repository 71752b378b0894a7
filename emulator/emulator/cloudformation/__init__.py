"""A small CloudFormation: creates, updates and deletes what a CDK cloud assembly describes."""
