import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Validations } from 'aws-cdk-lib';
import type { Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';
import { loadDeploymentConfig } from '../../infra/config/deployment-config';
import { repositoryRoot } from '../../infra/shared/repository';
import { declareFleet } from '../../infra/rtmp-fleet';

export type StackName = 'Network' | 'Secrets' | 'CommandChannel' | 'Callback' | 'Outputs' | 'Ingest' | 'Observability';

export type Options = Readonly<Record<string, unknown>>;

/** A finding of a policy check that was accepted, and where. */
export interface Acknowledgement {
  readonly path: string;
  readonly id: string;
  readonly reason: string;
}

export interface Synthesized {
  /** In the order in which they are declared. */
  readonly stacks: readonly Stack[];
  /** Stack name -> template. */
  readonly templates: ReadonlyMap<string, Template>;
}

export interface Checked {
  /** In the order in which they are declared. */
  readonly stacks: readonly Stack[];
  /** Errors and warnings of CDK, of CloudFormation's own rules and of cdk-nag, with the construct each is about. */
  readonly findings: readonly string[];
  readonly acknowledged: readonly Acknowledgement[];
  /** Questions to AWS that synthesis could not answer from the options. */
  readonly missingContext: readonly unknown[];
}

interface Report {
  readonly pluginReports: readonly {
    readonly violations: readonly {
      readonly ruleName: string;
      readonly description: string;
      readonly violatingConstructs: readonly { readonly constructPath: string }[];
    }[];
  }[];
}

const cdkJson = JSON.parse(readFileSync(join(repositoryRoot, 'cdk.json'), 'utf8')) as {
  readonly context: Record<string, unknown>;
};

const checkedDeployments = new Map<string, Checked>();
const deployments = new Map<string, Synthesized>();

/**
 * The deployment as `cdk synth` makes it, with the project's feature flags, but without bundling the functions. Each
 * set of options is synthesized once per test file.
 */
export function synthesize(options: Options): Synthesized {
  // Different options may come to the same deployment: a default that is given, say.
  return once(deployments, loadDeploymentConfig({ ...cdkJson.context, ...options }), () => {
    const outdir = temporaryFolder();
    try {
      // Copies of what would be uploaded are of no use here.
      const { app, stacks } = declare({ ...options, 'aws:cdk:disable-asset-staging': true }, outdir);
      withoutRules(() => app.synth());
      return { stacks, templates: new Map(stacks.map((stack) => [shortName(stack), Template.fromStack(stack)])) };
    } finally {
      rmSync(outdir, { recursive: true });
    }
  });
}

/** CloudFormation's own rules take most of the time of a synthesis: `synthesizeAndCheck` is for them. */
function withoutRules(work: () => void): void {
  const { CDK_VALIDATION: before } = process.env;
  process.env.CDK_VALIDATION = 'false';
  try {
    work();
  } finally {
    if (before === undefined) delete process.env.CDK_VALIDATION;
    else process.env.CDK_VALIDATION = before;
  }
}

/** The same with every check that a deploy runs: CloudFormation's rules and cdk-nag. */
export function synthesizeAndCheck(options: Options): Checked {
  return once(checkedDeployments, options, () => {
    const outdir = temporaryFolder();
    try {
      const { app, stacks } = declare(options, outdir);
      Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
      const missingContext = synthAndReport(app, outdir);
      return { stacks, missingContext, findings: findingsIn(outdir), acknowledged: acknowledgements(app) };
    } finally {
      rmSync(outdir, { recursive: true });
    }
  });
}

/** One stack's template of a deployment with these options. */
export function templateOf(stack: StackName, options: Options): Template {
  const template = synthesize(options).templates.get(stack);
  if (template === undefined) throw new Error(`there is no stack ${stack}`);
  return template;
}

/** `RtmpDev-Ingest` -> `Ingest`. */
export function shortName(stack: Stack): string {
  return stack.stackName.replace(/^.*-/, '');
}

function once<T>(known: Map<string, T>, what: object, make: () => T): T {
  const key = JSON.stringify(what);
  const result = known.get(key) ?? make();
  known.set(key, result);
  return result;
}

function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'rtmp-infra-'));
}

function declare(options: Options, outdir: string): { app: App; stacks: readonly Stack[] } {
  const context = { ...cdkJson.context, 'aws:cdk:bundling-stacks': [], ...options };
  const app = new App({ context, outdir, analyticsReporting: false });
  return { app, stacks: declareFleet(app, loadDeploymentConfig(context)) };
}

/** Findings make CDK throw and set the exit code, which here is the test runner's; the report has them either way. */
function synthAndReport(app: App, outdir: string): readonly unknown[] {
  const exitCode = process.exitCode;
  try {
    return app.synth().manifest.missing ?? [];
  } catch (error) {
    if (!existsSync(join(outdir, 'validation-report.json'))) throw error;
    return [];
  } finally {
    process.exitCode = exitCode;
  }
}

function findingsIn(outdir: string): string[] {
  const report = JSON.parse(readFileSync(join(outdir, 'validation-report.json'), 'utf8')) as Report;
  return report.pluginReports.flatMap(({ violations }) =>
    violations.flatMap(({ ruleName, description, violatingConstructs }) =>
      violatingConstructs.map(({ constructPath }) => `${constructPath}: ${ruleName}: ${description}`),
    ),
  );
}

function acknowledgements(app: App): Acknowledgement[] {
  return app.node.findAll().flatMap((construct) =>
    construct.node.metadata
      .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
      .flatMap(({ data }) => Object.entries(data as Record<string, string>))
      .map(([id, reason]) => ({ path: construct.node.path, id: id.replace(/^Annotation::/, ''), reason })),
  );
}
