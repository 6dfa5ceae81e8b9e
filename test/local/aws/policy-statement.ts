import { isList, type Json, type JsonObject, type TemplateValues } from '../synthesis/template-values';

/** What a caller wants to do. */
export interface AccessRequest {
  /** Such as `secretsmanager:GetSecretValue`. */
  readonly action: string;
  /** ARN of what it is done to. */
  readonly resource: string;
  /** Condition keys of the request. */
  readonly context?: Readonly<Record<string, string>>;
}

/** One statement of an IAM policy. */
export class PolicyStatement {
  private constructor(
    private readonly allow: boolean,
    private readonly actions: readonly RegExp[],
    private readonly resources: readonly RegExp[],
    private readonly conditions: Readonly<Record<string, string>>,
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

  /** What the statement says to the request; undefined when nothing. */
  verdict({ action, resource, context = {} }: AccessRequest): 'allow' | 'deny' | undefined {
    const fits =
      this.actions.some((pattern) => pattern.test(action)) &&
      this.resources.some((pattern) => pattern.test(resource)) &&
      Object.entries(this.conditions).every(([key, value]) => context[key] === value);
    if (!fits) return undefined;
    return this.allow ? 'allow' : 'deny';
  }
}

/** Condition key to its value. Of the operators only those two that compare with one value. */
function conditionsOf(condition: Json): Record<string, string> {
  const conditions: Record<string, string> = {};
  for (const [operator, comparisons] of Object.entries(condition as JsonObject)) {
    if (operator !== 'StringEquals' && operator !== 'Bool') throw new Error(`condition ${operator} is not supported`);
    for (const [key, value] of Object.entries(comparisons as JsonObject)) {
      if (isList(value) || typeof value === 'object') throw new Error(`condition ${key} is not supported`);
      conditions[key] = String(value);
    }
  }
  return conditions;
}

function wildcards(pattern: string): RegExp {
  const literal = pattern.replace(/[.+^${}()|[\]\\]/g, '\\$&');
  return new RegExp(`^${literal.replaceAll('*', '.*').replaceAll('?', '.')}$`);
}
