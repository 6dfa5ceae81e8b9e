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
    if (props.email !== undefined) this.addSubscription(new EmailSubscription(props.email));
  }
}
