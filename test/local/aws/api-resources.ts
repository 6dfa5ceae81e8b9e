/** One call of an AWS API that speaks JSON. */
export interface ApiCall {
  /** As it is signed: `secretsmanager`, `dynamodb`, `ecs`. */
  readonly service: string;
  readonly operation: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/** Where the ARNs lie. */
export interface Home {
  readonly region: string;
  readonly account: string;
}

/** ARNs of what a call is about, as IAM judges it. */
export function resourcesOf({ service, input }: ApiCall, home: Home): string[] {
  const arn = (path: string): string => `arn:aws:${service}:${home.region}:${home.account}:${path}`;
  const isArn = (text: string): boolean => text.startsWith('arn:');
  switch (service) {
    case 'secretsmanager':
      return texts(input['SecretId']).map((id) => (isArn(id) ? id : arn(`secret:${id}-AbCdEf`)));
    case 'dynamodb':
      return texts(input['TableName']).map((name) => (isArn(name) ? name : arn(`table/${name}`)));
    case 'ecs': {
      const cluster = texts(input['cluster']).map((name) => name.replace(/^.*cluster\//, ''))[0] ?? 'default';
      const named = (kind: string, ids: unknown): string[] =>
        texts(ids).map((id) => (isArn(id) ? id : arn(`${kind}/${cluster}/${id}`)));
      return [...named('task', input['tasks']), ...named('service', input['services'])];
    }
    default:
      return [];
  }
}

/** Condition keys of a call: which items of a table it is about. */
export function contextOf({ service, input }: ApiCall): Readonly<Record<string, readonly string[]>> {
  if (service !== 'dynamodb') return {};
  const { Key, Item } = input as { Key?: TableItem; Item?: TableItem };
  const leading = [Key?.pk?.S, Item?.pk?.S].filter((key) => key !== undefined);
  return { 'dynamodb:LeadingKeys': leading };
}

interface TableItem {
  readonly pk?: { readonly S?: string };
}

function texts(value: unknown): string[] {
  return (Array.isArray(value) ? value : [value]).filter((item): item is string => typeof item === 'string');
}
