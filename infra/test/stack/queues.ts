// Queues are as the settings say, closed, and wired to their dead letters.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grants, settings } from '../../lib/generated';
import { queueName } from '../../lib/names';
import { list, text } from '../synth';
import { byName, full, role, tenants, policies, queues, expected, queue, policyOf, roleOf } from './fixture';

test('queues: these and no others, standard ones', () => {
  assert.deepEqual([...byName.keys()].sort(), expected.map(([kind, tenant]) => queueName(kind, 'check', tenant)).sort());
  for (const [, r] of queues) assert.equal(r.Properties.FifoQueue, undefined);
});

for (const [kind, tenant] of expected) {
  const name = queueName(kind, 'check', tenant);
  test(`${name}: as the settings say`, () => {
    const want = settings.queues[kind];
    const { p } = queue(kind, tenant);
    assert.equal(p.VisibilityTimeout, want.visibility_timeout_seconds);
    assert.equal(p.MessageRetentionPeriod, want.retention_seconds);
    assert.equal(p.DelaySeconds, want.delay_seconds);
    assert.equal(p.ReceiveMessageWaitTimeSeconds, want.receive_wait_seconds);
    assert.equal(p.MaximumMessageSize, want.max_message_bytes);
    assert.equal(p.KmsDataKeyReusePeriodSeconds, settings.data_key_reuse_seconds);
  });

  test(`${name}: encrypted, over TLS only, and kept`, () => {
    const { id, p } = queue(kind, tenant);
    assert.match(text(p.KmsMasterKeyId), tenant === undefined ? /^\$\{KeysQueues/ : /^\$\{KeysInbound/);
    const tls = policyOf(id).find((s) => s.effect === 'Deny' && s.condition.Bool?.['aws:SecureTransport'] === 'false');
    assert.deepEqual([tls?.actions, tls?.principals, tls?.resources], [['sqs:*'], ['*'], [`\${${id}.Arn}`]]);
    assert.equal(full.template.Resources[id]?.DeletionPolicy, 'Retain');
    assert.equal(full.template.Resources[id]?.UpdateReplacePolicy, 'Retain');
  });

  test(`${name}: dead letters`, () => {
    const { id, p } = queue(kind, tenant);
    const dead = settings.queues[kind].dead_letter_queue;
    if (dead === undefined) {
      assert.equal(p.RedrivePolicy, undefined);
      const [source, ...more] = p.RedriveAllowPolicy.sourceQueueArns.map(text) as string[];
      assert.equal(p.RedriveAllowPolicy.redrivePermission, 'byQueue');
      assert.ok(source?.endsWith(`:${name.slice(0, -settings.names.dead_suffix.length)}`), source);
      assert.deepEqual(more, []);
      return;
    }
    assert.equal(text(p.RedrivePolicy.deadLetterTargetArn), `\${${queue(dead, tenant).id}.Arn}`);
    assert.equal(p.RedrivePolicy.maxReceiveCount, settings.queues[kind].max_receive_count);
    assert.ok(id);
  });

  test(`${name}: messages are for those in the table of permissions`, () => {
    const { id } = queue(kind, tenant);
    const dead = settings.queues[kind].dead_letter_queue === undefined;
    for (const action of ['sqs:SendMessage', 'sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility', 'sqs:PurgeQueue']) {
      const deny = policyOf(id).filter((s) => s.effect === 'Deny' && s.actions.includes(action));
      if (dead && action === 'sqs:SendMessage') {
        assert.deepEqual(deny, [], 'SQS itself sends to a queue of dead letters');
        continue;
      }
      const users = grants
        .filter((g) => g.allow.some((p) => p.action === action && p.resource === kind))
        .flatMap((g) => [roleOf(g.process), ...(g.process === 'worker' ? [role('own-worker')] : [])]);
      const want = action === 'sqs:SendMessage' && tenant !== undefined ? tenants.find((t) => t.id === tenant)?.principals : users;
      assert.equal(deny.length, 1, action);
      assert.deepEqual(deny[0]?.principals, ['*'], action);
      const spared = list(deny[0]?.condition.ArnNotEquals?.['aws:PrincipalArn']).map(text);
      assert.deepEqual([...spared].sort(), [...(want ?? [])].sort(), action);
    }
    const allowed = policyOf(id).filter((s) => s.effect === 'Allow');
    if (tenant === undefined || dead) {
      assert.deepEqual(allowed, [], 'roles of the account are allowed by their own policies');
    } else {
      assert.deepEqual(allowed.flatMap((s) => s.principals), tenants.find((t) => t.id === tenant)?.principals);
      assert.deepEqual(allowed.flatMap((s) => s.actions), ['sqs:SendMessage', 'sqs:GetQueueUrl']);
    }
  });
}

test('inbound: a tenant reaches the key of inbound queues only, and through SQS only', () => {
  const writers = tenants.flatMap((t) => t.principals);
  for (const s of policies.filter((p) => p.type === 'AWS::KMS::Key' && p.principals.some((one) => writers.includes(one)))) {
    assert.match(s.resource, /^KeysInbound/);
    assert.deepEqual([...s.actions].sort(), ['kms:Decrypt', 'kms:GenerateDataKey']);
    assert.match(text(s.condition.StringEquals?.['kms:ViaService']), /^sqs\./);
  }
});
