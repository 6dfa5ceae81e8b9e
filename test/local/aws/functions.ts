import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { LambdaFunctionURLEvent, LambdaFunctionURLResult } from 'aws-lambda';
import { startFunctionUrl, type FunctionUrl } from '../../support/aws/function-url';
import type { SignedRequest } from '../../support/aws/sigv4-check';
import type { CloudAssembly, TemplateResource } from '../synthesis/cloud-assembly';
import type { JsonObject, TemplateValues } from '../synthesis/template-values';
import type { Home } from './api-resources';
import { callerOf } from './caller';
import { LambdaFunction } from './lambda-function';
import type { Principal, Roles } from './roles';

export interface FunctionsOptions {
  readonly assembly: CloudAssembly;
  readonly values: TemplateValues;
  readonly roles: Roles;
  readonly home: Home;
  /** Called with the event of each call of a function URL that is let through. */
  readonly onUrlCall?: ((event: LambdaFunctionURLEvent) => void) | undefined;
}

export interface FunctionPlace {
  /** Variables that this machine adds to a function's. */
  readonly surroundings: Readonly<Record<string, string>>;
  /** Replaces values of a function's variables with those of this machine. */
  readonly localized: (variables: Readonly<Record<string, string>>) => Record<string, string>;
  readonly log: (line: string) => void;
}

/** The Lambda functions of the templates, with their aliases and URLs. */
export class Functions {
  readonly #functions = new Map<string, LambdaFunction>();
  readonly #urls: FunctionUrl[] = [];
  readonly #resources: readonly TemplateResource[];

  private constructor(private readonly options: FunctionsOptions) {
    // The CDK's functions for its custom resources have another handler.
    this.#resources = options.assembly
      .ofType('AWS::Lambda::Function')
      .filter(({ properties }) => properties['Handler'] === 'index.handler');
  }

  /** Names all functions and opens their URLs; they can be called after `configure`. */
  static async open(options: FunctionsOptions): Promise<Functions> {
    const functions = new Functions(options);
    functions.#name();
    for (const url of options.assembly.ofType('AWS::Lambda::Url')) await functions.#openUrl(url);
    return functions;
  }

  /** Gives the functions their variables. Call it when everything that these name exists. */
  configure({ surroundings, localized, log }: FunctionPlace): void {
    const { values, roles } = this.options;
    for (const resource of this.#resources) {
      const { stack, logicalId, properties, assetPath = '' } = resource;
      const file = join(assetPath, 'index.js');
      if (!existsSync(file)) throw new Error(`${logicalId} has no bundle`);
      const { Variables = {} } = (properties['Environment'] ?? {}) as JsonObject;
      const variables = Object.fromEntries(
        Object.entries(Variables as JsonObject).map(([name, value]) => [name, values.text(stack, value)]),
      );
      const name = nameOf(resource);
      const { credentials } = roles.role(values.text(stack, properties['Role']));
      this.#functions.set(
        name,
        new LambdaFunction({
          ...{ name, file, handler: 'handler' },
          variables: localized(variables),
          surroundings: {
            AWS_REGION: this.options.home.region,
            // No AWS profile of this machine may be used.
            HOME: '/var/task',
            AWS_LAMBDA_FUNCTION_NAME: name,
            AWS_ACCESS_KEY_ID: credentials.accessKeyId,
            AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
            AWS_SESSION_TOKEN: credentials.sessionToken ?? '',
            ...surroundings,
          },
          timeoutMs: Number(properties['Timeout']) * 1000,
          log: (line) => log(`${logicalId.replace(/Function[0-9A-F]{8}$/, '')}  ${line}`),
        }),
      );
    }
  }

  named(name: string): LambdaFunction | undefined {
    return this.#functions.get(name);
  }

  /** The function whose construct is called so, such as `Operator`. */
  get(construct: string): LambdaFunction {
    const pattern = new RegExp(`-${construct}Function[0-9A-F]{8}$`);
    const [name] = [...this.#functions.keys()].filter((candidate) => pattern.test(candidate));
    const found = name === undefined ? undefined : this.#functions.get(name);
    if (found === undefined) throw new Error(`the templates have no function ${construct}`);
    return found;
  }

  withArn(arn: string): LambdaFunction {
    const found = this.#functions.get(arn.split(':')[6] ?? '');
    if (found === undefined) throw new Error(`no template makes the function ${arn}`);
    return found;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#urls.map((url) => url.stop()));
    await Promise.all([...this.#functions.values()].map((lambda) => lambda.stop()));
  }

  #name(): void {
    const { assembly, values, home } = this.options;
    for (const resource of this.#resources) {
      const name = nameOf(resource);
      const arn = `arn:aws:lambda:${home.region}:${home.account}:function:${name}`;
      values.provide(resource, { ref: name, attributes: { Arn: arn } });
    }
    for (const version of assembly.ofType('AWS::Lambda::Version')) {
      const name = values.text(version.stack, version.properties['FunctionName']);
      values.provide(version, { ref: `${name}:1`, attributes: { Version: '1' } });
    }
    for (const alias of assembly.ofType('AWS::Lambda::Alias')) {
      const name = values.text(alias.stack, alias.properties['FunctionName']);
      const arn = `arn:aws:lambda:${home.region}:${home.account}:function:${name}`;
      values.provide(alias, { ref: `${arn}:${values.text(alias.stack, alias.properties['Name'])}` });
    }
  }

  async #openUrl(resource: TemplateResource): Promise<void> {
    const { values, onUrlCall } = this.options;
    const { stack, properties } = resource;
    const target = values.text(stack, properties['TargetFunctionArn']);
    const qualifier = properties['Qualifier'];
    const arn = typeof qualifier === 'string' && !target.endsWith(`:${qualifier}`) ? `${target}:${qualifier}` : target;
    const url = await startFunctionUrl(
      async (event) => {
        onUrlCall?.(event);
        return (await this.withArn(arn).invoke(event)) as LambdaFunctionURLResult;
      },
      properties['AuthType'] === 'NONE' ? {} : { authorize: (request) => this.#refusal(request, arn) },
    );
    this.#urls.push(url);
    values.provide(resource, { ref: arn, attributes: { FunctionUrl: url.url } });
  }

  /** A caller needs both: the right to call the URL, and to invoke the function by it. */
  #refusal(request: SignedRequest, resource: string): string | undefined {
    const { roles, home } = this.options;
    const caller = callerOf(request, roles, home.region);
    if ('fault' in caller) return caller.fault;
    if (caller.service !== 'lambda') return `the request is signed for ${caller.service}`;
    const may = (principal: Principal): boolean =>
      principal.allows({
        ...{ action: 'lambda:InvokeFunctionUrl', resource },
        context: { 'lambda:FunctionUrlAuthType': 'AWS_IAM' },
      }) &&
      principal.allows({
        ...{ action: 'lambda:InvokeFunction', resource },
        context: { 'lambda:InvokedViaFunctionUrl': 'true' },
      });
    return may(caller.principal) ? undefined : `${caller.principal.arn} may not call the URL of ${resource}`;
  }
}

function nameOf({ stack, logicalId }: TemplateResource): string {
  return `${stack}-${logicalId}`;
}
