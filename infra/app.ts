import { App, Validations } from 'aws-cdk-lib';
import { AwsSolutionsChecks } from 'cdk-nag';
import { loadDeploymentConfig } from './deployment-config';
import { RtmpFleetStage } from './rtmp-fleet-stage';

const app = new App();
const context = app.node.getAllContext() as Readonly<Record<string, unknown>>;
// The CLI sets this from the profile or the environment, so that a plain deploy goes where the other tools go.
const config = loadDeploymentConfig(context, process.env.CDK_DEFAULT_REGION);
new RtmpFleetStage(app, config);
Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
