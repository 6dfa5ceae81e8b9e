import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { loadDeploymentConfig } from '../../../infra/config/deployment-config';
import { repositoryRoot } from '../../../infra/shared/repository';
import { declareFleet } from '../../../infra/rtmp-fleet';
import type { DeploymentOptions } from './artifacts';

/** Writes templates and the functions' bundles into a folder, as `cdk synth` does. */
export function synthesize(outdir: string, options: DeploymentOptions): void {
  const cdkJson = JSON.parse(readFileSync(join(repositoryRoot, 'cdk.json'), 'utf8')) as { context: object };
  const context: Record<string, unknown> = {
    ...cdkJson.context,
    // What the CDK's command line adds, so that a template says where a function's code is.
    'aws:cdk:enable-asset-metadata': true,
    // CloudFormation's own rules take seconds to load; the tests of the templates apply them.
    '@aws-cdk/core:validateAgainstDefaultRules': false,
    ...options,
  };
  const app = new App({ context, outdir, analyticsReporting: false });
  declareFleet(app, loadDeploymentConfig(context));
  app.synth();
}
