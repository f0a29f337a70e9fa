import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkOptions } from '../lib/options';
import { queueName } from '../lib/names';

const role = (name: string) => `arn:aws:iam::111122223333:role/${name}`;

test('options: what is left out has a default', () => {
  assert.deepEqual(checkOptions({ environment: 'prod' }), {
    environment: 'prod',
    services: ['ecs-tasks.amazonaws.com'],
    operators: [],
    roles: {},
    alarmEmails: [],
    tenants: [],
  });
});

for (const [name, raw, complaint] of [
  ['no object', 'prod', /an object is needed/],
  ['no environment', {}, /environment: a lower-case letter/],
  ['capitals', { environment: 'Prod' }, /environment/],
  ['unknown option', { environment: 'p', tenant: [] }, /tenant: no such option/],
  ['unknown service', { environment: 'p', services: ['s3.amazonaws.com'] }, /services: a list of/],
  ['tenant without principal', { environment: 'p', tenants: [{ id: 'shop', principals: [] }] }, /shop: name at least one/],
  ['anybody', { environment: 'p', tenants: [{ id: 'shop', principals: ['*'] }] }, /"\*" is not the ARN/],
  ['all roles', { environment: 'p', tenants: [{ id: 'shop', principals: [role('*')] }] }, /is not the ARN/],
  ['whole account', { environment: 'p', tenants: [{ id: 'shop', principals: ['arn:aws:iam::111122223333:root'] }] }, /is not the ARN/],
  ['tenant with capitals', { environment: 'p', tenants: [{ id: 'Shop', principals: [role('a')] }] }, /is no tenant/],
  ['tenant twice', { environment: 'p', tenants: [{ id: 'a', principals: [role('a')] }, { id: 'a', principals: [role('b')] }] }, /twice/],
  ['one principal, two tenants', { environment: 'p', tenants: [{ id: 'a', principals: [role('a')] }, { id: 'b', principals: [role('a')] }] }, /writes for two tenants/],
  ['a queue and another one\'s dead letters', { environment: 'p', tenants: [{ id: 'a', principals: [role('a')] }, { id: 'a-dead', principals: [role('b')] }] }, /takes the dead letters of a/],
  ['too many tenants', { environment: 'p', tenants: Array.from({ length: 61 }, (_, i) => ({ id: `t${i}`, principals: [role(`t${i}`)] })) }, /one stack holds 60/],
  ['unknown process', { environment: 'p', roles: { cron: [] } }, /cron is no process/],
  ['mail', { environment: 'p', alarmEmails: ['nobody'] }, /is not a mail address/],
] as const) {
  test(`options: ${name} is refused`, () => assert.throws(() => checkOptions(raw), complaint));
}

test('names: a dot in a tenant cannot meet another tenant', () => {
  assert.equal(queueName('inbound', 'prod', 'acme.com'), 'payonce-prod-inbound-acmeDOTcom');
  assert.notEqual(queueName('inbound', 'prod', 'acme.com'), queueName('inbound', 'prod', 'acme-com'));
});

test('names: SQS would refuse a longer one', () => {
  assert.throws(() => queueName('inbound-dlq', 'production', 'x'.repeat(64)), /SQS takes 80/);
});
