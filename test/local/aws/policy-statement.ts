import { isList, type Json, type JsonObject, type TemplateValues } from '../synthesis/template-values';

/** What a caller wants to do. */
export interface AccessRequest {
  /** Such as `secretsmanager:GetSecretValue`. */
  readonly action: string;
  /** ARN of the resource. */
  readonly resource: string;
  /** Condition keys of the request; a list where it names several things. */
  readonly context?: Readonly<Record<string, string | readonly string[]>>;
}

/** One statement of an IAM policy. */
export class PolicyStatement {
  private constructor(
    private readonly allow: boolean,
    private readonly actions: readonly RegExp[],
    private readonly resources: readonly RegExp[],
    private readonly conditions: readonly Condition[],
  ) {}

  /** @throws for anything that is not understood: a statement must never count for less than it says */
  static read(statement: JsonObject, stack: string, values: TemplateValues): PolicyStatement {
    const { Effect, Action, Resource, Condition, ...others } = statement;
    if (Object.keys(others).some((name) => name !== 'Sid') || Action === undefined || Resource === undefined) {
      throw new Error(`policy statement of a form that is not supported: ${JSON.stringify(statement)}`);
    }
    const patterns = (value: Json): RegExp[] => values.textsThatExist(stack, value).map(wildcards);
    return new PolicyStatement(Effect === 'Allow', patterns(Action), patterns(Resource), conditionsOf(Condition ?? {}));
  }

  /** The statement's effect on the request; undefined when it does not apply. */
  verdict({ action, resource, context = {} }: AccessRequest): 'allow' | 'deny' | undefined {
    const fits =
      this.actions.some((pattern) => pattern.test(action)) &&
      this.resources.some((pattern) => pattern.test(resource)) &&
      this.conditions.every((holds) => holds(context));
    if (!fits) return undefined;
    return this.allow ? 'allow' : 'deny';
  }
}

type Condition = (context: NonNullable<AccessRequest['context']>) => boolean;

/** Only the operators that compare with one value, and the operator that confines a request to some of many values. */
function conditionsOf(condition: Json): Condition[] {
  return Object.entries(condition as JsonObject).flatMap(([operator, comparisons]) =>
    Object.entries(comparisons as JsonObject).map(([key, value]) => conditionOf(operator, key, value)),
  );
}

function conditionOf(operator: string, key: string, value: Json): Condition {
  if (operator === 'ForAllValues:StringEquals' && isList(value)) {
    const allowed = value.map(String);
    // As in IAM: a request that names none of the values matches too.
    return (context) => [context[key] ?? []].flat().every((named) => allowed.includes(named));
  }
  if (operator !== 'StringEquals' && operator !== 'Bool') throw new Error(`condition ${operator} is not supported`);
  if (isList(value) || typeof value === 'object') throw new Error(`condition ${key} is not supported`);
  return (context) => context[key] === String(value);
}

function wildcards(pattern: string): RegExp {
  const literal = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${literal.replaceAll('*', '.*').replaceAll('?', '.')}$`);
}
