import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { keptIf } from './removal';

export interface GeneratedSecretProps {
  /** The secret's purpose; shown in the console. */
  readonly description: string;
  /** Kept when its stack is deleted: everything signed or hashed with it becomes useless without it. */
  readonly keep: boolean;
  /**
   * A JSON object instead of plain text: these fields, and the random value as `randomField`.
   * @default the secret is the random text itself
   */
  readonly json?: { readonly fields: Readonly<Record<string, string>>; readonly randomField: string };
}

/** 64 random letters and digits (about 380 bits), made by Secrets Manager: no template or log ever holds them. */
export class GeneratedSecret extends Secret {
  constructor(scope: Construct, id: string, props: GeneratedSecretProps) {
    super(scope, id, {
      description: props.description,
      removalPolicy: keptIf(props.keep),
      generateSecretString: {
        passwordLength: 64,
        excludePunctuation: true,
        ...(props.json && {
          secretStringTemplate: JSON.stringify(props.json.fields),
          generateStringKey: props.json.randomField,
        }),
      },
    });
  }
}
