import { Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type { Construct } from 'constructs';

export interface AlarmTopicProps {
  /** Asked once to confirm. @default - nobody: others subscribe to the topic */
  readonly email?: string;
}

/** Where alarms go. */
export class AlarmTopic extends Topic {
  constructor(scope: Construct, id: string, props: AlarmTopicProps) {
    super(scope, id, { enforceSSL: true, displayName: 'RTMP fleet' });
    this.admitAlarms();
    if (props.email !== undefined) this.addSubscription(new EmailSubscription(props.email));
  }

  /** A topic with a policy of its own loses the default one, which let CloudWatch publish. */
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
