import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';

export interface AlarmTopicProps {
  /** AWS sends it a request to confirm. @default - no subscriber: others subscribe to the topic */
  readonly email?: string;
}

/** The topic that alarms are sent to. */
export class AlarmTopic extends Topic {
  constructor(scope: Construct, id: string, props: AlarmTopicProps) {
    super(scope, id, { enforceSSL: true, displayName: 'RTMP fleet' });
    this.admitAlarms();
    if (props.email !== undefined) this.addSubscription(new EmailSubscription(props.email));
  }

  /** A topic with its own policy loses the default policy, which lets CloudWatch publish. */
  private admitAlarms(): void {
    const { account } = Stack.of(this);
    this.addToResourcePolicy(
      new PolicyStatement({
        sid: 'AlarmsOfThisAccount',
        principals: [new ServicePrincipal('cloudwatch.amazonaws.com')],
        actions: ['sns:Publish'],
        resources: [this.topicArn],
        conditions: { StringEquals: { 'aws:SourceAccount': account } },
      }),
    );
  }
}
