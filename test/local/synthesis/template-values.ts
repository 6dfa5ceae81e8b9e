export type Json = string | number | boolean | null | readonly Json[] | JsonObject;
export interface JsonObject {
  readonly [key: string]: Json;
}

/** A resource's place in the templates. */
export interface ResourceId {
  /** Name of its stack, such as `RtmpDev-Ingest`. */
  readonly stack: string;
  readonly logicalId: string;
}

/** A resource's names once it exists. */
export interface PhysicalResource {
  /** Answers `Ref`. */
  readonly ref: string;
  /** Answers `Fn::GetAtt`. */
  readonly attributes?: Readonly<Record<string, Json>>;
}

/** A value names something that does not exist here, or in a way that is not known. */
export class UnresolvedValueError extends Error {
  override readonly name = 'UnresolvedValueError';
}

/** A stack's outputs, by `outputKey`. */
export type TemplateOutputs = ReadonlyMap<string, Json>;

export function outputKey(stack: string, name: string): string {
  return `${stack}.${name}`;
}

/** Resolves the values of templates, as CloudFormation does at deploy. */
export class TemplateValues {
  readonly #resources = new Map<string, PhysicalResource>();
  readonly #pseudo: Readonly<Record<string, string>>;

  constructor(
    private readonly outputs: TemplateOutputs,
    { region, account }: { readonly region: string; readonly account: string },
  ) {
    this.#pseudo = {
      'AWS::Region': region,
      'AWS::AccountId': account,
      'AWS::Partition': 'aws',
      'AWS::URLSuffix': 'amazonaws.com',
    };
  }

  /** Registers a resource that exists, with its names. */
  provide(id: ResourceId, physical: PhysicalResource): void {
    this.#resources.set(keyOf(id), physical);
  }

  /** @throws UnresolvedValueError */
  resolve(stack: string, value: Json): Json {
    if (typeof value !== 'object' || value === null) return value;
    if (isList(value)) return value.map((item) => this.resolve(stack, item));
    const [name, argument] = Object.entries(value)[0] ?? [];
    const isFunction = Object.keys(value).length === 1 && (name === 'Ref' || name?.startsWith('Fn::'));
    if (isFunction && name !== undefined && argument !== undefined) return this.#apply(stack, name, argument);
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.resolve(stack, item)]));
  }

  /** A value that is to be text; numbers and booleans become text, as in CloudFormation. */
  text(stack: string, value: Json | undefined): string {
    const resolved = value === undefined ? undefined : this.resolve(stack, value);
    if (typeof resolved === 'string') return resolved;
    if (typeof resolved === 'number' || typeof resolved === 'boolean') return String(resolved);
    throw new UnresolvedValueError(`${JSON.stringify(value)} is not text`);
  }

  /** The same for lists of which some parts may not exist here: those become a text that equals nothing. */
  textsThatExist(stack: string, value: Json): string[] {
    return (isList(value) ? value : [value]).map((item) => {
      try {
        return this.text(stack, item);
      } catch (error) {
        if (error instanceof UnresolvedValueError) return `(${error.message})`;
        throw error;
      }
    });
  }

  #apply(stack: string, name: string, argument: Json): Json {
    switch (name) {
      case 'Ref':
        return this.#ref(stack, String(argument));
      case 'Fn::GetAtt': {
        const [logicalId = '', ...attribute] = isList(argument) ? argument.map(String) : String(argument).split('.');
        return this.#attribute(stack, logicalId, attribute.join('.'));
      }
      case 'Fn::GetStackOutput': {
        const { StackName, OutputName } = argument as Readonly<Record<string, string>>;
        const value = this.outputs.get(outputKey(StackName ?? '', OutputName ?? ''));
        if (value === undefined) throw new UnresolvedValueError(`${StackName} has no output ${OutputName}`);
        return this.resolve(StackName ?? '', value);
      }
      case 'Fn::Join': {
        const [separator, parts] = this.#pair(stack, argument);
        if (!isList(parts)) throw new UnresolvedValueError(`Fn::Join of ${JSON.stringify(parts)}`);
        return parts.map((part) => this.text(stack, part)).join(String(separator));
      }
      case 'Fn::Split': {
        const [separator, text] = this.#pair(stack, argument);
        return String(text).split(String(separator));
      }
      case 'Fn::Select': {
        const [index, list] = this.#pair(stack, argument);
        const chosen = isList(list) ? list[Number(index)] : undefined;
        if (chosen === undefined) throw new UnresolvedValueError(`Fn::Select of ${JSON.stringify(argument)}`);
        return chosen;
      }
      case 'Fn::Sub':
        return this.#substitute(stack, String(argument));
      default:
        throw new UnresolvedValueError(`${name} is not supported`);
    }
  }

  #pair(stack: string, argument: Json): [Json, Json] {
    const [first, second] = isList(argument) ? argument.map((item) => this.resolve(stack, item)) : [];
    if (first === undefined || second === undefined) throw new UnresolvedValueError(JSON.stringify(argument));
    return [first, second];
  }

  #substitute(stack: string, template: string): string {
    return template.replace(/\$\{([^}!]+)\}/g, (_, name: string) =>
      this.#pseudo[name] !== undefined || !name.includes('.')
        ? this.#ref(stack, name)
        : this.text(stack, { 'Fn::GetAtt': name }),
    );
  }

  #ref(stack: string, logicalId: string): string {
    const pseudo = logicalId === 'AWS::StackName' ? stack : this.#pseudo[logicalId];
    const found = pseudo ?? this.#resources.get(keyOf({ stack, logicalId }))?.ref;
    if (found === undefined) throw new UnresolvedValueError(`Ref of ${stack}/${logicalId}, which does not exist here`);
    return found;
  }

  #attribute(stack: string, logicalId: string, attribute: string): Json {
    const found = this.#resources.get(keyOf({ stack, logicalId }))?.attributes?.[attribute];
    if (found !== undefined) return found;
    throw new UnresolvedValueError(`Fn::GetAtt of ${stack}/${logicalId}.${attribute}, which does not exist here`);
  }
}

export function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}

function keyOf({ stack, logicalId }: ResourceId): string {
  return `${stack}/${logicalId}`;
}
