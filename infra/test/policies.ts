// Every statement of every policy in a template, wherever it is written.
import { list, text, type Resource, type Template } from './synth';

export interface Statement {
  readonly resource: string; // logical id of what the policy belongs to
  readonly type: string;
  readonly sid: string;
  readonly effect: string;
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly principals: readonly string[];
  readonly condition: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

interface Document {
  readonly Statement: readonly Record<string, unknown>[];
}

export function statements(template: Template): Statement[] {
  return Object.entries(template.Resources).flatMap(([resource, { Type, Properties: p }]) =>
    documents(Type, p).flatMap((document) =>
      document.Statement.map((s) => ({
        resource,
        type: Type,
        sid: (s.Sid as string | undefined) ?? '',
        effect: s.Effect as string,
        actions: list(s.Action as string | string[]),
        resources: list(s.Resource as unknown).map(text),
        principals: principals(s.Principal),
        condition: (s.Condition ?? {}) as Statement['condition'],
      })),
    ),
  );
}

function documents(type: string, p: Resource['Properties']): Document[] {
  switch (type) {
    case 'AWS::KMS::Key':
      return [p.KeyPolicy];
    case 'AWS::DynamoDB::Table':
      return [p.ResourcePolicy.PolicyDocument];
    case 'AWS::IAM::Role':
      // Inline policies would be found here too, had a role any.
      return [p.AssumeRolePolicyDocument, ...list(p.Policies).map((one) => (one as { PolicyDocument: Document }).PolicyDocument)];
    case 'AWS::Logs::ResourcePolicy':
      return [JSON.parse(text(p.PolicyDocument)) as Document];
    default:
      return p?.PolicyDocument === undefined ? [] : [p.PolicyDocument];
  }
}

function principals(value: unknown): string[] {
  if (value === undefined) return [];
  if (typeof value === 'string') return [value];
  return Object.values(value as Record<string, unknown>).flatMap((one) => list(one).map(text));
}
