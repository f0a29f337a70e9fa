import { Aws, Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as sns from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct } from 'constructs';
import { settings } from './generated';
import { prefix } from './names';
import type { QueuePair } from './queues';

/** The topic that alarms go to, and the alarms of queues and table. */
export class Alarms extends Construct {
  readonly topic: sns.Topic;

  constructor(scope: Construct, private readonly environment: string, key: kms.Key, emails: readonly string[]) {
    super(scope, 'Alarms');
    this.topic = new sns.Topic(this, 'Topic', {
      topicName: `${prefix(environment)}-alarms`,
      displayName: `payonce ${environment}`,
      masterKey: key,
      enforceSSL: true,
    });
    // CloudWatch publishes and encrypts, only on behalf of this account.
    const services = [new iam.ServicePrincipal('cloudwatch.amazonaws.com')];
    const conditions = { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } };
    this.topic.addToResourcePolicy(
      new iam.PolicyStatement({
        sid: 'AlarmsPublish',
        principals: services,
        actions: ['sns:Publish'],
        resources: [this.topic.topicArn],
        conditions,
      }),
    );
    key.addToResourcePolicy(
      new iam.PolicyStatement({
        sid: 'AlarmsEncrypt',
        principals: services,
        actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
        resources: ['*'],
        conditions,
      }),
    );
    for (const address of emails) this.topic.addSubscription(new EmailSubscription(address));
  }

  /** Something is among the dead letters, or the oldest message has waited too long. */
  watchQueues(pair: QueuePair): void {
    const of = pair.tenant === undefined ? pair.kind : `${pair.kind}-${pair.tenant}`;
    this.add(`${of}-dead-letters`, {
      description: `The dead-letter queue of ${of} is not empty: the janitor collects it within seconds if it runs.`,
      metric: pair.deadLetters.metricApproximateNumberOfMessagesVisible({ period: Duration.minutes(1), statistic: 'Maximum' }),
      threshold: 0,
      periods: 1,
    });
    const age = settings.alarm_oldest_message_seconds[pair.kind];
    if (age === undefined) throw new Error(`settings.json: no age for the alarm of ${pair.kind}`);
    this.add(`${of}-oldest-message`, {
      description: `A message of ${of} is older than ${age} s. SQS leaves messages that came back three times out of this figure.`,
      metric: pair.queue.metricApproximateAgeOfOldestMessage({ period: Duration.minutes(1), statistic: 'Maximum' }),
      threshold: age,
      periods: 3,
    });
  }

  /** Writes to the table or to its index are throttled. */
  watchTable(table: string, index: string): void {
    for (const [id, dimensionsMap] of Object.entries({
      table: { TableName: table },
      index: { TableName: table, GlobalSecondaryIndexName: index },
    })) {
      this.add(`${id}-writes-throttled`, {
        description: `Writes to the ${id} are throttled: payments are answered 503 or settle late.`,
        metric: new cloudwatch.Metric({
          namespace: 'AWS/DynamoDB',
          metricName: 'WriteThrottleEvents',
          dimensionsMap,
          period: Duration.minutes(1),
          statistic: 'Sum',
        }),
        threshold: 0,
        periods: 2,
      });
    }
  }

  /** An alarm that speaks when metric is above threshold for periods, and again when that is over. */
  add(id: string, of: { description: string; metric: cloudwatch.IMetric; threshold: number; periods: number }): void {
    const alarm = new cloudwatch.Alarm(this, id, {
      alarmName: `${prefix(this.environment)}-${id}`,
      alarmDescription: of.description,
      metric: of.metric,
      threshold: of.threshold,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: of.periods,
      datapointsToAlarm: of.periods,
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(this.topic));
    alarm.addOkAction(new SnsAction(this.topic));
  }
}
