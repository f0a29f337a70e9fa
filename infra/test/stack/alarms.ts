// Alarms are there and reach the topic.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { settings, type QueueKind } from '../../lib/generated';
import { ofType, only, text } from '../synth';
import { tenants, full } from './fixture';

test('alarms: each queue, the table, the index and the keys, all to the topic', () => {
  const alarms = ofType(full.template, 'AWS::CloudWatch::Alarm').map(([, r]) => r.Properties);
  const of = tenants.flatMap((t) => [`inbound-${t.id}-dead-letters`, `inbound-${t.id}-oldest-message`]);
  assert.deepEqual(
    alarms.map((a) => a.AlarmName as string).sort(),
    [
      ...of, 'work-dead-letters', 'work-oldest-message',
      'table-writes-throttled', 'index-writes-throttled', 'keys',
    ].map((n) => `payonce-check-${n}`).sort(),
  );
  const topic = `\${${only(full.template, 'AWS::SNS::Topic').id}}`;
  for (const a of alarms) {
    assert.deepEqual(a.AlarmActions.map(text), [topic], a.AlarmName);
    assert.deepEqual(a.OKActions.map(text), [topic], a.AlarmName);
    assert.equal(a.TreatMissingData, 'notBreaching', a.AlarmName);
    if ((a.AlarmName as string).endsWith('-oldest-message')) {
      const kind = (a.AlarmName as string).split('-')[2] as QueueKind;
      assert.equal(a.Threshold, settings.alarm_oldest_message_seconds[kind]);
    }
  }
});

test('keys: failures and changes reach the log, which is counted', () => {
  const rules = ofType(full.template, 'AWS::Events::Rule');
  assert.deepEqual(rules.map(([, r]) => r.Properties.State as string).sort(), ['ENABLED', 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS']);
  const log = only(full.template, 'AWS::Logs::LogGroup').p;
  for (const [, r] of rules) {
    assert.ok(text(r.Properties.Targets[0].Arn).endsWith(`:${log.LogGroupName}`));
    assert.ok(JSON.stringify(r.Properties.EventPattern).includes('KeysTable'));
  }
  const filter = only(full.template, 'AWS::Logs::MetricFilter').p;
  const alarm = ofType(full.template, 'AWS::CloudWatch::Alarm').find(([, r]) => r.Properties.AlarmName === 'payonce-check-keys');
  const [counted] = filter.MetricTransformations;
  assert.deepEqual([alarm?.[1].Properties.Namespace, alarm?.[1].Properties.MetricName], [counted.MetricNamespace, counted.MetricName]);
});
