// The app that `cdk` runs. Run by itself (npm run synth) it takes the context from cdk.json, as `cdk` would, and needs
// neither an account nor a network.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { makeApp } from '../lib/app';

const byCLI = process.env.CDK_CONTEXT_JSON !== undefined;
const project = join(__dirname, '..', '..');
const { context } = JSON.parse(readFileSync(join(project, 'cdk.json'), 'utf8')) as { context: Record<string, unknown> };

makeApp(byCLI ? {} : { context, outdir: join(project, 'cdk.out') }).app.synth();
