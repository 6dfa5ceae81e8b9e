import type { CloudAssembly } from '../synthesis/cloud-assembly';
import type { TemplateValues } from '../synthesis/template-values';
import type { Functions } from './functions';
import type { Secrets } from './secrets';

/** Attaches the rotation functions of the templates to their secrets; RotateSecret then calls them. */
export function attachRotations(
  assembly: CloudAssembly,
  values: TemplateValues,
  secrets: Secrets,
  functions: Functions,
): void {
  const invocable = assembly
    .ofType('AWS::Lambda::Permission')
    .filter(({ properties }) => properties['Principal'] === 'secretsmanager.amazonaws.com')
    .map(({ stack, properties }) => values.text(stack, properties['FunctionName']));
  for (const { stack, logicalId, properties } of assembly.ofType('AWS::SecretsManager::RotationSchedule')) {
    const arn = values.text(stack, properties['RotationLambdaARN']);
    if (!invocable.includes(arn)) throw new Error(`${logicalId}: Secrets Manager may not invoke ${arn}`);
    secrets.standIn.onRotation(values.text(stack, properties['SecretId']), async (step) => {
      await functions.withArn(arn).invoke(step);
    });
  }
}
