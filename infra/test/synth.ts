// Synthesises the app as `cdk` would, into a folder of its own, without an account.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App, Stack, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { checksContext, makeApp, withChecks } from '../lib/app';
import type { PayonceStack } from '../lib/stack';

export interface Resource {
  readonly Type: string;
  readonly Properties: any;
  readonly DeletionPolicy?: string;
  readonly UpdateReplacePolicy?: string;
  readonly DependsOn?: readonly string[];
}

export interface Template {
  readonly Resources: Readonly<Record<string, Resource>>;
  readonly Outputs: Readonly<Record<string, { readonly Value: unknown }>>;
}

export interface Finding {
  readonly by: string;
  readonly rule: string;
  readonly description: string;
  readonly constructs: readonly string[];
}

export interface Synthesized {
  readonly stack: PayonceStack;
  readonly template: Template;
  readonly findings: readonly Finding[];
  readonly acknowledged: readonly { readonly rule: string; readonly reason: string }[];
}

interface Report {
  readonly pluginReports: readonly {
    readonly pluginName: string;
    readonly violations: readonly {
      readonly ruleName: string;
      readonly description: string;
      readonly violatingConstructs: readonly { readonly constructPath?: string }[];
    }[];
  }[];
}

/** Synthesises the app with the options of its context. */
export function synthesize(payonce: unknown): Synthesized {
  return inFolder((outdir) => {
    // Findings do not end the synthesis here, so that a test can say what they are.
    const { app, stack } = makeApp({ context: { payonce, ...keepGoing }, outdir });
    return { stack, template: read<Template>(app, outdir, stack.stackName), findings: findings(outdir), acknowledged: acknowledged(app) };
  });
}

/** What is found in a stack that build makes, in an app with the checks of ours. */
export function judge(build: (stack: Stack) => void): readonly Finding[] {
  return inFolder((outdir) => {
    const app = withChecks(new App({ context: { ...checksContext, ...keepGoing }, outdir }));
    build(new Stack(app, 'Judged'));
    read<Template>(app, outdir, 'Judged');
    return findings(outdir);
  });
}

const keepGoing = { '@aws-cdk/core:failSynthOnValidationErrors': false };

function inFolder<T>(work: (outdir: string) => T): T {
  const outdir = mkdtempSync(join(tmpdir(), 'payonce-infra-'));
  try {
    return work(outdir);
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

function read<T>(app: App, outdir: string, stack: string): T {
  app.synth();
  return JSON.parse(readFileSync(join(outdir, `${stack}.template.json`), 'utf8')) as T;
}

function findings(outdir: string): Finding[] {
  const report = JSON.parse(readFileSync(join(outdir, 'validation-report.json'), 'utf8')) as Report;
  return report.pluginReports.flatMap((plugin) =>
    plugin.violations.map((v) => ({
      by: plugin.pluginName,
      rule: v.ruleName,
      description: v.description,
      constructs: v.violatingConstructs.map((c) => c.constructPath ?? ''),
    })),
  );
}

/** Every rule that somebody said need not hold, with the reason. */
function acknowledged(scope: IConstruct): { rule: string; reason: string }[] {
  return scope.node.findAll().flatMap((construct) =>
    construct.node.metadata
      .filter((m) => m.type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
      .flatMap((m) => Object.entries(m.data as Record<string, string>))
      .map(([rule, reason]) => ({ rule, reason })),
  );
}

/** Resources of a type, by logical id. */
export function ofType(template: Template, type: string): [string, Resource][] {
  return Object.entries(template.Resources).filter(([, r]) => r.Type === type);
}

/** The only resource of a type. */
export function only(template: Template, type: string): { id: string; p: Resource['Properties'] } {
  const [first, ...more] = ofType(template, type);
  if (first === undefined || more.length > 0) throw new Error(`${more.length + (first ? 1 : 0)} resources of type ${type}, want 1`);
  return { id: first[0], p: first[1].Properties };
}

/** An intrinsic function as text, with the logical ids that it names: "${WorkQueue.Arn}". */
export function text(value: unknown): string {
  if (typeof value === 'string') return value;
  const { Ref, 'Fn::GetAtt': getAtt, 'Fn::Join': join } = value as {
    Ref?: string;
    'Fn::GetAtt'?: [string, string];
    'Fn::Join'?: [string, unknown[]];
  };
  if (Ref !== undefined) return `\${${Ref}}`;
  if (getAtt !== undefined) return `\${${getAtt.join('.')}}`;
  if (join !== undefined) return join[1].map(text).join(join[0]);
  throw new Error(`no text for ${JSON.stringify(value)}`);
}

export const list = <T>(value: T | readonly T[] | undefined): readonly T[] =>
  value === undefined ? [] : Array.isArray(value) ? (value as readonly T[]) : [value as T];
