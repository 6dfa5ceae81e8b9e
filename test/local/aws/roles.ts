import { randomBytes } from 'node:crypto';
import { STAND_IN_CREDENTIALS } from '../../support/aws/stand-in-identity';
import type { CloudAssembly } from '../synthesis/cloud-assembly';
import { isList, type JsonObject, type TemplateValues } from '../synthesis/template-values';
import { PolicyStatement, type AccessRequest } from './policy-statement';

export interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  /** Undefined for the user: its credentials are not temporary. */
  readonly sessionToken: string | undefined;
}

/** A caller of AWS. */
export class Principal {
  #statements: readonly PolicyStatement[] = [];

  constructor(
    readonly name: string,
    readonly arn: string,
    readonly credentials: Credentials,
    private readonly isAdministrator = false,
  ) {}

  /** The policies can only be read once everything they name exists. */
  attach(statements: readonly PolicyStatement[]): void {
    this.#statements = [...this.#statements, ...statements];
  }

  allows(request: AccessRequest): boolean {
    if (this.isAdministrator) return true;
    const verdicts = this.#statements.map((statement) => statement.verdict(request));
    return verdicts.includes('allow') && !verdicts.includes('deny');
  }
}

/** The roles of the templates, each with credentials and with the rights of its policies, and one administrator. */
export class Roles {
  readonly #principals: Principal[] = [];

  constructor(
    private readonly assembly: CloudAssembly,
    private readonly values: TemplateValues,
    account: string,
  ) {
    const user = { ...STAND_IN_CREDENTIALS, sessionToken: undefined };
    this.#principals.push(new Principal('administrator', `arn:aws:iam::${account}:user/administrator`, user, true));
    for (const { stack, logicalId } of assembly.ofType('AWS::IAM::Role')) {
      const name = `${stack}-${logicalId}`;
      const arn = `arn:aws:iam::${account}:role/${name}`;
      const credentials = {
        accessKeyId: `ASIA${randomBytes(8).toString('hex').toUpperCase()}`,
        secretAccessKey: randomBytes(30).toString('base64url'),
        sessionToken: randomBytes(60).toString('base64url'),
      };
      values.provide({ stack, logicalId }, { ref: name, attributes: { Arn: arn } });
      this.#principals.push(new Principal(name, arn, credentials));
    }
  }

  /** Reads the policies. Call it when everything that they may name has been provided. */
  attachPolicies(): void {
    for (const { stack, properties } of this.assembly.ofType('AWS::IAM::Policy')) {
      const { Statement = [] } = properties['PolicyDocument'] as JsonObject;
      const statements = (isList(Statement) ? Statement : [Statement]).map((statement) =>
        PolicyStatement.read(statement as JsonObject, stack, this.values),
      );
      for (const name of this.values.textsThatExist(stack, properties['Roles'] ?? [])) {
        this.#principals.find((principal) => principal.name === name)?.attach(statements);
      }
    }
  }

  /** The role with this ARN. */
  role(arn: string): Principal {
    const found = this.#principals.find((principal) => principal.arn === arn);
    if (found === undefined) throw new Error(`no template makes the role ${arn}`);
    return found;
  }

  withAccessKey(accessKeyId: string): Principal | undefined {
    return this.#principals.find(({ credentials }) => credentials.accessKeyId === accessKeyId);
  }
}
