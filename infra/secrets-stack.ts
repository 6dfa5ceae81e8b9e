import { CfnOutput, Stack } from 'aws-cdk-lib';
import type { StackProps } from 'aws-cdk-lib';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { acknowledge } from './shared/acknowledge';
import { canaryChannel } from './watching/canary';
import { GeneratedSecret } from './shared/generated-secret';
import type { DeploymentConfig } from './config/deployment-config';
import type { CachePasswords } from './shared/cache-passwords';

export interface SecretsStackProps extends StackProps {
  readonly config: DeploymentConfig;
}

/**
 * The secrets, which must outlive everything else. Rotation schedules are in the stacks of the functions that rotate.
 */
export class SecretsStack extends Stack {
  /** Signs the tokens of start and stop callbacks. */
  readonly jwtSecret: ISecret;
  /** undefined where an external handler checks the stream keys. */
  readonly keyPepper: ISecret | undefined;
  /** undefined with an existing cache, which has its own password. */
  readonly cachePasswords: CachePasswords | undefined;
  readonly canaryKey: ISecret | undefined;

  constructor(scope: Construct, id: string, props: SecretsStackProps) {
    super(scope, id, props);
    const { config } = props;
    const keep = config.protectData;
    this.jwtSecret = this.jwt(config);
    this.keyPepper = config.callbackUrl === undefined ? this.pepper(keep) : undefined;
    this.cachePasswords = config.cache === 'existing' ? undefined : this.passwords(config);
    this.canaryKey = config.canary ? this.canary(keep) : undefined;
  }

  private jwt(config: DeploymentConfig): ISecret {
    const secret = new GeneratedSecret(this, 'JwtSecret', {
      description: 'Signs the tokens of start and stop callbacks (HS256)',
      keep: config.protectData,
    });
    acknowledge(secret, {
      'AwsSolutions-SMG4':
        'rotated by a schedule in the Callback stack, which knows the callback that has to accept ' +
        'the new secret first; a callback elsewhere has to be given it by its owner',
    });
    return secret;
  }

  private pepper(keep: boolean): ISecret {
    const secret = new GeneratedSecret(this, 'KeyPepper', {
      description: 'Pepper of the stored stream-key HMACs. A new value makes every stored key useless',
      keep,
    });
    acknowledge(secret, {
      'AwsSolutions-SMG4':
        'stored keys are HMACs under this pepper and cannot be made again without the keys: ' +
        'a rotation would lock out every streamer. infra/README.md has the way by hand',
    });
    return secret;
  }

  private passwords(config: DeploymentConfig): CachePasswords {
    const password = (id: string, user: string) => {
      const secret = new GeneratedSecret(this, id, {
        description: `Password of the command channel's user "${user}"`,
        keep: config.protectData,
      });
      acknowledge(secret, {
        'AwsSolutions-SMG4': 'rotated by a schedule in the CommandChannel stack, which knows the user it belongs to',
      });
      return secret;
    };
    return {
      service: password('CacheServicePassword', 'service'),
      operator: password('CacheOperatorPassword', 'operator'),
      publisher: password('CachePublisherPassword', 'default'),
    };
  }

  private canary(keep: boolean): ISecret {
    const secret = new GeneratedSecret(this, 'CanaryKey', {
      description: 'Channel and stream key that the canary publishes with',
      keep,
      json: { fields: { channel: canaryChannel }, randomField: 'key' },
    });
    acknowledge(secret, {
      'AwsSolutions-SMG4':
        "a stream key of the fleet's own, worth two seconds of a test pattern: rotated with the " +
        'stream-keys function like any other key',
    });
    new CfnOutput(this, 'CanaryKeySecret', { value: secret.secretArn });
    return secret;
  }
}
