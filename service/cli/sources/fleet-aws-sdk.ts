/** The parts of the AWS SDK that the operators' program uses, in a file that is loaded only with --aws. */
export { CloudFormationClient, DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
export { InvokeCommand, LambdaClient } from '@aws-sdk/client-lambda';
