// Synthesizes the deployment with the functions' bundles, as `cdk synth` does, into the folder that is named. A program
// of its own because the CDK is quicker to load outside of a test runner.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { loadDeploymentConfig } from '../../../infra/deployment-config';
import { repositoryRoot } from '../../../infra/repository';
import { RtmpFleetStage } from '../../../infra/rtmp-fleet-stage';

const [, , outdir = '', options = '{}'] = process.argv;
const cdkJson = JSON.parse(readFileSync(join(repositoryRoot, 'cdk.json'), 'utf8')) as { context: object };
const context: Record<string, unknown> = {
  ...cdkJson.context,
  // What the CDK's command line adds, so that a template says where a function's code is.
  'aws:cdk:enable-asset-metadata': true,
  // CloudFormation's own rules take seconds to load; the tests of the templates apply them.
  '@aws-cdk/core:validateAgainstDefaultRules': false,
  ...(JSON.parse(options) as object),
};
const app = new App({ context, outdir, analyticsReporting: false });
new RtmpFleetStage(app, loadDeploymentConfig(context));
app.synth();
