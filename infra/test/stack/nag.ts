// The rule packs and CloudFormation's own rules find nothing, and would find something.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { judge } from '../synth';
import { stacks } from './fixture';

for (const [name, s] of Object.entries(stacks)) {
  test(`${name}: nothing is found`, (t) => {
    assert.deepEqual(s.findings, []);
    for (const a of s.acknowledged) assert.match(a.reason, /\w+ \w+ \w+/, `${a.rule} is set aside without a reason in words`);
    const resources = Object.keys(s.template.Resources).length;
    assert.ok(resources <= 500, `${resources} resources; CloudFormation takes 500`);
    t.diagnostic(`${name}: ${resources} resources; AwsSolutions 0 findings, PCI DSS 3.2.1 0, CloudFormation 0; ${s.acknowledged.length} set aside with a reason`);
  });
}

test('a bad stack: something is found by each', () => {
  const found = judge((stack) => {
    new kms.Key(stack, 'Key');
    new sqs.CfnQueue(stack, 'Queue', { visibilityTimeout: 86_400 });
  });
  const rules = found.map((f) => f.rule);
  for (const rule of ['AwsSolutions-KMS5', 'AwsSolutions-SQS4', 'PCI.DSS.321-KMSBackingKeyRotationEnabled']) assert.ok(rules.includes(rule), rule);
  assert.ok(found.some((f) => f.by === 'CloudFormation Validate'), JSON.stringify(found, null, 1));
});
