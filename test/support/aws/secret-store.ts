import { randomUUID } from 'node:crypto';

/** An error as the API names it. */
export class SecretsApiError extends Error {
  constructor(
    readonly code: string,
    message: string,
  ) {
    super(message);
  }
}

interface StoredVersion {
  /** undefined: announced by a rotation, nothing put yet. */
  value: string | undefined;
  readonly stages: Set<string>;
  readonly createdAt: Date;
}

interface StoredSecret {
  readonly name: string;
  readonly arn: string;
  readonly versions: Map<string, StoredVersion>;
  rotationEnabled: boolean;
}

const NOT_FOUND = "Secrets Manager can't find the specified secret";

/** Secrets, their versions and staging labels, with the rules that AWS documents for them. */
export class SecretStore {
  readonly #secrets = new Map<string, StoredSecret>();

  constructor(private readonly region: string) {}

  create(name: string, value: string): string {
    if (this.#secrets.has(name)) throw new SecretsApiError('ResourceExistsException', `secret ${name} already exists`);
    const arn = `arn:aws:secretsmanager:${this.region}:123456789012:secret:${name}-AbCdEf`;
    const first: StoredVersion = { value, stages: new Set(['AWSCURRENT']), createdAt: new Date() };
    this.#secrets.set(name, { name, arn, versions: new Map([[randomUUID(), first]]), rotationEnabled: false });
    return arn;
  }

  enableRotation(secretId: string): void {
    this.#find(secretId).rotationEnabled = true;
  }

  describe(secretId: string) {
    const { name, arn, versions, rotationEnabled } = this.#find(secretId);
    const staged = [...versions].filter(([, version]) => version.stages.size > 0);
    return {
      ARN: arn,
      Name: name,
      RotationEnabled: rotationEnabled,
      VersionIdsToStages: Object.fromEntries(staged.map(([id, version]) => [id, [...version.stages]])),
    };
  }

  get(secretId: string, versionId: string | undefined, stage: string | undefined) {
    const secret = this.#find(secretId);
    const wanted = stage ?? (versionId === undefined ? 'AWSCURRENT' : undefined);
    const found = [...secret.versions].find(
      ([id, version]) =>
        (versionId === undefined || id === versionId) && (wanted === undefined || version.stages.has(wanted)),
    );
    const [id, version] = found ?? [];
    if (id === undefined || version?.value === undefined) {
      const label = versionId === undefined ? `staging label: ${wanted}` : `VersionId: ${versionId}`;
      throw new SecretsApiError('ResourceNotFoundException', `${NOT_FOUND} value for ${label}`);
    }
    return {
      ARN: secret.arn,
      Name: secret.name,
      VersionId: id,
      SecretString: version.value,
      VersionStages: [...version.stages],
      CreatedDate: version.createdAt.getTime() / 1000,
    };
  }

  /** A repeated put of the same value under the same token changes nothing; another value is refused. */
  put(secretId: string, token: string | undefined, value: string | undefined, stages: readonly string[] | undefined) {
    const secret = this.#find(secretId);
    if (value === undefined || value === '') {
      throw new SecretsApiError('InvalidParameterException', 'You must provide either SecretString or SecretBinary.');
    }
    const id = token ?? randomUUID();
    if (id.length < 32 || id.length > 64) {
      throw new SecretsApiError('InvalidParameterException', 'ClientRequestToken must be 32-64 characters long.');
    }
    const existing = secret.versions.get(id);
    if (existing?.value !== undefined && existing.value !== value) {
      throw new SecretsApiError(
        'ResourceExistsException',
        `You can't use ClientRequestToken ${id} because that value is already in use for a version of this secret.`,
      );
    }
    const version = existing ?? { value, stages: new Set<string>(), createdAt: new Date() };
    version.value = value;
    secret.versions.set(id, version);
    for (const stage of stages ?? ['AWSCURRENT']) this.#attach(secret, stage, id);
    return { ARN: secret.arn, Name: secret.name, VersionId: id, VersionStages: [...version.stages] };
  }

  moveStage(secretId: string, stage: string | undefined, to: string | undefined, from: string | undefined) {
    const secret = this.#find(secretId);
    if (stage === undefined) throw new SecretsApiError('InvalidParameterException', 'VersionStage is required.');
    const holder = this.#holder(secret, stage);
    if (holder !== undefined && holder !== to && from !== holder) {
      throw new SecretsApiError(
        'InvalidParameterException',
        `The parameter RemoveFromVersionId can't be empty or wrong: staging label ${stage} is attached to version ${holder}.`,
      );
    }
    if (from !== undefined && holder !== from) {
      throw new SecretsApiError('InvalidParameterException', `${stage} is not attached to version ${from}.`);
    }
    if (to === undefined) {
      if (stage === 'AWSCURRENT') {
        throw new SecretsApiError('InvalidParameterException', 'You can only move staging label AWSCURRENT.');
      }
      if (holder !== undefined) secret.versions.get(holder)?.stages.delete(stage);
    } else {
      if (secret.versions.get(to)?.value === undefined) {
        throw new SecretsApiError('ResourceNotFoundException', `${NOT_FOUND} version: ${to}`);
      }
      this.#attach(secret, stage, to);
    }
    return { ARN: secret.arn, Name: secret.name };
  }

  /** Announces the version that a rotation will fill, as RotateSecret does before it calls the function. */
  beginRotation(secretId: string, token: string): string {
    const secret = this.#find(secretId);
    if (!secret.rotationEnabled) {
      throw new SecretsApiError('InvalidRequestException', 'No Lambda rotation function ARN is associated.');
    }
    const pending = this.#holder(secret, 'AWSPENDING');
    if (pending !== undefined && pending !== token && pending !== this.#holder(secret, 'AWSCURRENT')) {
      throw new SecretsApiError('InvalidRequestException', "A previous rotation isn't complete.");
    }
    if (!secret.versions.has(token)) {
      secret.versions.set(token, { value: undefined, stages: new Set(), createdAt: new Date() });
      this.#attach(secret, 'AWSPENDING', token);
    }
    return secret.arn;
  }

  #find(secretId: string): StoredSecret {
    const secret = [...this.#secrets.values()].find(({ name, arn }) => secretId === name || secretId === arn);
    if (secret === undefined) throw new SecretsApiError('ResourceNotFoundException', `${NOT_FOUND}.`);
    return secret;
  }

  #holder(secret: StoredSecret, stage: string): string | undefined {
    return [...secret.versions].find(([, version]) => version.stages.has(stage))?.[0];
  }

  /** A label is on one version at a time, and AWSPREVIOUS follows AWSCURRENT. */
  #attach(secret: StoredSecret, stage: string, id: string): void {
    const holder = this.#holder(secret, stage);
    if (holder === id) return;
    if (holder !== undefined) secret.versions.get(holder)?.stages.delete(stage);
    secret.versions.get(id)?.stages.add(stage);
    if (stage === 'AWSCURRENT' && holder !== undefined) this.#attach(secret, 'AWSPREVIOUS', holder);
  }
}
