import { crossOptionFaults } from './deployment-rules';
import { deploymentOptions } from './deployment-options';
import type { OptionName, OptionValues } from './deployment-options';
import { environmentDefaults, environmentNames } from './environment-defaults';
import type { EnvironmentName, PartialSettings, Settings } from './environment-defaults';

/** The complete configuration of a deployment, checked and frozen. Constructs read nothing else. */
export interface DeploymentConfig extends Settings {
  readonly environment: EnvironmentName;
}

/** The configuration cannot be used; `faults` has one sentence for each fault. */
export class DeploymentConfigError extends Error {
  constructor(readonly faults: readonly string[]) {
    super(`The deployment's configuration cannot be used:\n${faults.map((fault) => `  - ${fault}`).join('\n')}`);
    this.name = 'DeploymentConfigError';
  }
}

/**
 * Reads the CDK context: `env` picks the environment (default dev); an option comes from `-c name=value` or a
 * top-level context entry, else from the entry named after the environment (`"prod": {"slots": 60}`), else from the
 * environment's defaults. Throws DeploymentConfigError, naming every fault at once.
 */
export function loadDeploymentConfig(
  context: Readonly<Record<string, unknown>>,
  homeRegion?: string,
): DeploymentConfig {
  const faults: string[] = [];
  const environment = environmentNames.find((name) => name === (context.env ?? 'dev'));
  if (environment === undefined) {
    throw new DeploymentConfigError([`env is ${show(context.env)}; it must be one of ${environmentNames.join(', ')}`]);
  }
  for (const name of environmentNames) {
    const block = context[name];
    if (block !== undefined && !isRecord(block))
      faults.push(`${name} is ${show(block)}; it must be an object of options`);
  }
  const block = context[environment];
  const given: Partial<OptionValues> = {
    ...readOptions(isRecord(block) ? block : {}, `${environment}.`, faults),
    ...readOptions(ownEntries(context), '', faults),
  };
  const region = homeRegion === undefined ? {} : { region: homeRegion };
  const settings = fillIn({ ...environmentDefaults[environment], ...region, ...given });
  faults.push(...crossOptionFaults(settings));
  if (faults.length > 0) throw new DeploymentConfigError(faults);
  return Object.freeze({ environment, ...settings });
}

/** The value of an option that the rules between options guarantee; throws when it is absent. */
export function givenOption<K extends OptionName>(config: DeploymentConfig, name: K): NonNullable<DeploymentConfig[K]> {
  const value = config[name];
  if (value === undefined) throw new Error(`the option ${name} must be given here`);
  return value;
}

/** The defaults that follow from other options. */
function fillIn(settings: PartialSettings): Settings {
  const certificate = settings.certificateArn ?? settings.hostedZoneId;
  return {
    ...settings,
    tls: settings.tls ?? (certificate === undefined ? 'none' : 'nlb'),
    callbackAuth: settings.callbackAuth ?? (settings.callbackUrl === undefined ? 'sigv4' : 'none'),
    minTasks: settings.minTasks ?? settings.azCount,
    natGateways: Math.min(settings.natGateways, settings.azCount),
  };
}

function readOptions(
  values: Readonly<Record<string, unknown>>,
  prefix: string,
  faults: string[],
): Partial<OptionValues> {
  const read: Partial<Record<OptionName, unknown>> = {};
  for (const [name, raw] of Object.entries(values)) {
    if (!isOptionName(name)) {
      faults.push(`${prefix}${name} is not an option (infra/README.md lists them)`);
      continue;
    }
    const { expects, ...reader } = deploymentOptions[name];
    const value = reader.read(raw);
    if (value === undefined) faults.push(`${prefix}${name} is ${show(raw)}; it must be ${expects}`);
    else read[name] = value;
  }
  return read as Partial<OptionValues>;
}

/** The context entries of this project. CDK's feature flags, lookups and metadata switches have a `:` in their name. */
function ownEntries(context: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const reserved = new Set<string>(['env', ...environmentNames]);
  return Object.fromEntries(Object.entries(context).filter(([name]) => !name.includes(':') && !reserved.has(name)));
}

function isOptionName(name: string): name is OptionName {
  return Object.hasOwn(deploymentOptions, name);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function show(value: unknown): string {
  return value === undefined ? 'undefined' : JSON.stringify(value);
}
