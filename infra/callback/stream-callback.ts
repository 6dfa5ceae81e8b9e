import { Duration } from 'aws-cdk-lib';
import type { ITableV2 } from 'aws-cdk-lib/aws-dynamodb';
import type { IGrantable } from 'aws-cdk-lib/aws-iam';
import { FunctionUrlAuthType } from 'aws-cdk-lib/aws-lambda';
import type { Alias, FunctionUrl } from 'aws-cdk-lib/aws-lambda';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import type { DeploymentConfig } from '../config/deployment-config';
import { FleetFunction } from '../shared/fleet-function';
import { allowReading } from '../shared/read-secret';

export interface StreamCallbackProps {
  readonly config: Pick<
    DeploymentConfig,
    'callbackAuth' | 'callbackConcurrency' | 'jwtSubject' | 'sessionTtlDays' | 'takeover' | 'logRetentionDays'
  >;
  readonly table: ITableV2;
  readonly jwtSecret: ISecret;
  readonly keyPepper: ISecret;
}

/** Longest time that a warm copy of the function uses a secret from memory; a rotation has to wait for it. */
export const callbackSecretCacheSeconds = 60;

/** Decides who may publish: the function that the service calls before each stream, and its URL. */
export class StreamCallback extends Construct {
  readonly function: FleetFunction;
  readonly url: string;
  private readonly functionUrl: FunctionUrl;
  private readonly alias: Alias;

  constructor(scope: Construct, id: string, props: StreamCallbackProps) {
    super(scope, id);
    const { config, table, jwtSecret, keyPepper } = props;
    const openToAnyone = config.callbackAuth === 'none';
    this.function = new FleetFunction(this, 'Function', {
      source: 'lambdas/stream-callback',
      description: 'Answers the start and stop callbacks of the RTMP fleet',
      // CPU grows with memory, and a publisher waits for every cold start.
      memoryMiB: 512,
      timeout: Duration.seconds(5),
      logRetentionDays: config.logRetentionDays,
      // Strangers can cause calls, through tasks or directly: these must not use up the concurrency of the account's
      // other functions, nor those functions the callback's.
      ...(config.callbackConcurrency > 0 && { reservedConcurrency: config.callbackConcurrency }),
      environment: {
        TABLE_NAME: table.tableName,
        JWT_SECRET_ARN: jwtSecret.secretArn,
        KEY_PEPPER_ARN: keyPepper.secretArn,
        JWT_SUBJECT: config.jwtSubject,
        SESSION_TTL_DAYS: String(config.sessionTtlDays),
        TAKEOVER_DEFAULT: config.takeover,
        SECRET_CACHE_SECONDS: String(callbackSecretCacheSeconds),
      },
    });
    table.grant(this.function, 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem');
    for (const secret of [jwtSecret, keyPepper]) allowReading(secret, this.function);
    // A deploy switches code and settings together: without an alias, new code would run with old settings for a
    // moment.
    this.alias = this.function.addAlias('live');
    this.functionUrl = this.alias.addFunctionUrl({
      authType: openToAnyone ? FunctionUrlAuthType.NONE : FunctionUrlAuthType.AWS_IAM,
    });
    this.url = this.functionUrl.url;
  }

  /** Lets `grantee` call the URL with signed requests; does nothing where anyone may call it. */
  grantCall(grantee: IGrantable): void {
    if (this.functionUrl.authType === FunctionUrlAuthType.AWS_IAM) this.functionUrl.grantInvokeUrl(grantee);
  }
}
