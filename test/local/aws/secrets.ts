import { randomInt } from 'node:crypto';
import { startSecretsManager, type SecretsManagerStandIn } from '../../support/aws/secrets-manager';
import type { CloudAssembly, TemplateResource } from '../synthesis/cloud-assembly';
import type { JsonObject, TemplateValues } from '../synthesis/template-values';

const LETTERS_AND_DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';

/** Secrets Manager with the secrets of the templates, their values made as the templates say. */
export class Secrets {
  private constructor(
    readonly standIn: SecretsManagerStandIn,
    /** First value of each, by its ARN. */
    private readonly firstValues: ReadonlyMap<string, string>,
    private readonly arns: ReadonlyMap<string, string>,
  ) {}

  static async start(assembly: CloudAssembly, values: TemplateValues): Promise<Secrets> {
    const standIn = await startSecretsManager();
    const firstValues = new Map<string, string>();
    const arns = new Map<string, string>();
    for (const secret of assembly.ofType('AWS::SecretsManager::Secret')) {
      const value = generatedValue(secret);
      const arn = standIn.createSecret(`${secret.stack}-${secret.logicalId}`, value);
      firstValues.set(arn, value);
      arns.set(secret.logicalId.replace(/[0-9A-F]{8}$/, ''), arn);
      values.provide(secret, { ref: arn });
    }
    return new Secrets(standIn, firstValues, arns);
  }

  /** ARN of the secret with this construct id, such as `JwtSecret`. */
  arn(id: string): string {
    const arn = this.arns.get(id);
    if (arn === undefined) throw new Error(`the templates have no secret ${id}`);
    return arn;
  }

  /** Its value at deploy. */
  firstValue(id: string): string {
    return this.firstValues.get(this.arn(id)) ?? '';
  }

  /** A text that may be a reference to a secret, as CloudFormation resolves it: with the value at deploy. */
  resolveReference(text: string): string {
    const [, arn, field = ''] = /^\{\{resolve:secretsmanager:(.+?):SecretString:([^:]*):.*\}\}$/.exec(text) ?? [];
    if (arn === undefined) return text;
    const value = this.firstValues.get(arn);
    if (value === undefined) throw new Error(`no template makes the secret ${arn}`);
    return field === '' ? value : String((JSON.parse(value) as Record<string, unknown>)[field]);
  }
}

function generatedValue({ logicalId, properties }: TemplateResource): string {
  const { PasswordLength, ExcludePunctuation, SecretStringTemplate, GenerateStringKey } = (properties[
    'GenerateSecretString'
  ] ?? {}) as JsonObject;
  if (ExcludePunctuation !== true || typeof PasswordLength !== 'number') {
    throw new Error(`${logicalId}: only secrets generated of letters and digits are supported`);
  }
  const random = Array.from({ length: PasswordLength }, () => LETTERS_AND_DIGITS[randomInt(62)] ?? '').join('');
  if (typeof GenerateStringKey !== 'string' || typeof SecretStringTemplate !== 'string') return random;
  return JSON.stringify({ ...(JSON.parse(SecretStringTemplate) as object), [GenerateStringKey]: random });
}
