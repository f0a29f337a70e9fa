// What holds data is encrypted, backed up and kept.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settings } from '../../lib/generated';
import { ofType, only, text } from '../synth';
import { full, policies } from './fixture';

test('table: schema, keys, backups, protection', () => {
  const { id, p } = only(full.template, 'AWS::DynamoDB::Table');
  const t = settings.table;
  assert.equal(p.TableName, 'payonce-check');
  assert.deepEqual(p.KeySchema, [{ AttributeName: t.partition_key.name, KeyType: 'HASH' }]);
  const attributes = [t.partition_key, t.index_partition_key, t.index_sort_key];
  assert.deepEqual(p.AttributeDefinitions, attributes.map((a) => ({ AttributeName: a.name, AttributeType: a.type })));
  assert.deepEqual(p.GlobalSecondaryIndexes, [
    {
      IndexName: t.index,
      KeySchema: [
        { AttributeName: t.index_partition_key.name, KeyType: 'HASH' },
        { AttributeName: t.index_sort_key.name, KeyType: 'RANGE' },
      ],
      Projection: { ProjectionType: 'KEYS_ONLY' },
    },
  ]);
  assert.equal(p.BillingMode, 'PAY_PER_REQUEST');
  assert.equal(p.DeletionProtectionEnabled, true);
  assert.deepEqual(p.StreamSpecification, { StreamViewType: t.stream_view });
  assert.deepEqual(p.PointInTimeRecoverySpecification, { PointInTimeRecoveryEnabled: true, RecoveryPeriodInDays: t.recovery_days });
  assert.deepEqual([p.SSESpecification.SSEEnabled, p.SSESpecification.SSEType], [true, 'KMS']);
  assert.match(text(p.SSESpecification.KMSMasterKeyId), /^\$\{KeysTable/);
  assert.equal(full.template.Resources[id]?.DeletionPolicy, 'Retain');
  const tls = policies.find((s) => s.resource === id);
  assert.deepEqual([tls?.effect, tls?.actions, tls?.condition.Bool], ['Deny', ['dynamodb:*'], { 'aws:SecureTransport': 'false' }]);
});

test('keys: rotated, and kept', () => {
  const keys = ofType(full.template, 'AWS::KMS::Key');
  assert.equal(keys.length, 4);
  for (const [, key] of keys) {
    assert.equal(key.Properties.EnableKeyRotation, true);
    assert.equal(key.Properties.PendingWindowInDays, 30);
    assert.equal(key.DeletionPolicy, 'Retain');
  }
});

test('everything that holds data is encrypted with a key of ours', () => {
  const property: Record<string, string> = {
    'AWS::SQS::Queue': 'KmsMasterKeyId', 'AWS::SNS::Topic': 'KmsMasterKeyId', 'AWS::Logs::LogGroup': 'KmsKeyId',
  };
  for (const [id, r] of Object.entries(full.template.Resources)) {
    const name = property[r.Type];
    if (name !== undefined) assert.match(text(r.Properties[name]), /^\$\{Keys\w+\.Arn\}$/, id);
  }
  // What is not in this list and could hold data would need a line above.
  assert.deepEqual([...new Set(Object.values(full.template.Resources).map((r) => r.Type))].sort(), [
    'AWS::CloudWatch::Alarm', 'AWS::DynamoDB::Table', 'AWS::Events::Rule', 'AWS::IAM::ManagedPolicy', 'AWS::IAM::Role',
    'AWS::KMS::Alias', 'AWS::KMS::Key', 'AWS::Logs::LogGroup', 'AWS::Logs::MetricFilter', 'AWS::Logs::ResourcePolicy',
    'AWS::SNS::Subscription', 'AWS::SNS::Topic', 'AWS::SNS::TopicPolicy', 'AWS::SQS::Queue', 'AWS::SQS::QueuePolicy',
  ]);
});
