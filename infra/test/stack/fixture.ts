// Three stacks that the checks look at, synthesised once: one with everything, one with what nobody has chosen, one with as
// many tenants as there can be.
import assert from 'node:assert/strict';
import { type QueueKind } from '../../lib/generated';
import { queueName } from '../../lib/names';
import { statements } from '../policies';
import { ofType, synthesize, text } from '../synth';

export const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`;
export const tenants = [
  { id: 'shop', principals: [role('shop-checkout'), 'arn:aws:iam::444455556666:role/path/of/shop'] },
  { id: 'acme.com', principals: [role('acme')] },
];
export const full = synthesize({
  environment: 'check',
  services: ['ecs-tasks.amazonaws.com', 'ec2.amazonaws.com', 'pods.eks.amazonaws.com'],
  operators: [role('operators')],
  roles: { worker: [role('own-worker')] },
  alarmEmails: ['oncall@example.com'],
  tenants,
});
export const small = synthesize({ environment: 'small' });
export const many = synthesize({
  environment: 'many',
  tenants: Array.from({ length: 60 }, (_, i) => ({ id: `a-tenant-with-a-rather-long-name-${i}`, principals: [role(`writer-${i}`)] })),
});
export const stacks = { full, small, many };
export const policies = statements(full.template);

export const queues = ofType(full.template, 'AWS::SQS::Queue');
export const byName = new Map(queues.map(([id, r]) => [r.Properties.QueueName as string, { id, p: r.Properties }]));
export const expected: [QueueKind, string?][] = [['work'], ['work-dlq']];
for (const { id } of tenants) expected.push(['inbound', id], ['inbound-dlq', id]);

export function queue(kind: QueueKind, tenant?: string) {
  const found = byName.get(queueName(kind, 'check', tenant));
  assert.ok(found, `there is no queue ${queueName(kind, 'check', tenant)}`);
  return found;
}
export const policyOf = (id: string) => {
  const policy = ofType(full.template, 'AWS::SQS::QueuePolicy').find(([, r]) => text(r.Properties.Queues[0]) === `\${${id}}`);
  return policies.filter((s) => s.resource === policy?.[0]);
};
export const roleOf = (process: string): string => {
  const found = ofType(full.template, 'AWS::IAM::Role').find(([, r]) => r.Properties.RoleName === `payonce-check-${process}`);
  assert.ok(found, `there is no role for ${process}`);
  return `\${${found[0]}.Arn}`;
};
