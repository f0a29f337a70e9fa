import { App, Validations, type AppProps } from 'aws-cdk-lib';
import { AwsSolutionsChecks, PCIDSS321Checks } from 'cdk-nag';
import { readOptions } from './options';
import { prefix } from './names';
import { PayonceStack } from './stack';

/** Makes what CloudFormation itself knows (which properties there are, of which form) an error of the synthesis. */
export const checksContext = { '@aws-cdk/core:validateAgainstDefaultRules': true };

/** Adds the two rule packs that judge every synthesis. */
export function withChecks(app: App): App {
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new PCIDSS321Checks(app));
  return app;
}

/** The app with its one stack. */
export function makeApp(props?: AppProps): { app: App; stack: PayonceStack } {
  const app = withChecks(new App({ analyticsReporting: false, ...props, context: { ...checksContext, ...props?.context } }));
  const options = readOptions(app);
  const stack = new PayonceStack(app, prefix(options.environment), options, {
    description: `payonce ${options.environment}: queues, table, keys, roles and alarms of the aws engine`,
  });
  return { app, stack };
}
