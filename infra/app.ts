import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { DeploymentConfigError, loadDeploymentConfig } from './config/deployment-config';
import { declareFleet } from './rtmp-fleet';

try {
  const app = new App();
  const context = app.node.getAllContext() as Readonly<Record<string, unknown>>;
  // The CLI sets this from the profile or the environment, so that a plain deploy goes where the other tools go.
  declareFleet(app, loadDeploymentConfig(context, process.env.CDK_DEFAULT_REGION));
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
} catch (error) {
  if (!(error instanceof DeploymentConfigError)) throw error;
  // The faults say everything: a stack trace would only bury them.
  process.stderr.write(`${error.message}\n`);
  process.exit(1);
}
