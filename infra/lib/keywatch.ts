import { Aws, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import * as events from 'aws-cdk-lib/aws-events';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { Alarms } from './alarms';
import { prefix } from './names';

// What takes a key away from those that need it, or begins to.
const dangerous = ['DisableKey', 'ScheduleKeyDeletion', 'PutKeyPolicy', 'RevokeGrant', 'DisableKeyRotation'];

/**
 * Watches the keys. KMS has no metric for the refusals of an ordinary key, so they come from CloudTrail, which must record
 * management events in the account: uses that failed and changes that can stop payonce go to a log, are counted there, and
 * alarm. They do not go to the topic one by one, for an outage of a key is thousands of failures.
 */
export class KeyWatch extends Construct {
  readonly log: logs.LogGroup;

  constructor(scope: Construct, environment: string, keys: readonly kms.IKey[], logKey: kms.Key, alarms: Alarms) {
    super(scope, 'KeyWatch');
    // EventBridge writes only to groups below /aws/events/. By its name, because the key's policy names the log too.
    const name = `/aws/events/${prefix(environment)}-keys`;
    const arn = `arn:${Aws.PARTITION}:logs:${Aws.REGION}:${Aws.ACCOUNT_ID}:log-group:${name}`;
    logKey.addToResourcePolicy(
      new iam.PolicyStatement({
        sid: 'LogEncrypts',
        principals: [new iam.ServicePrincipal(`logs.${Stack.of(this).region}.amazonaws.com`)],
        actions: ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncryptFrom', 'kms:ReEncryptTo', 'kms:GenerateDataKey', 'kms:GenerateDataKeyWithoutPlaintext',
          'kms:DescribeKey'],
        resources: ['*'],
        conditions: { ArnEquals: { 'kms:EncryptionContext:aws:logs:arn': arn } },
      }),
    );
    this.log = new logs.LogGroup(this, 'Log', {
      logGroupName: name,
      encryptionKey: logKey,
      retention: logs.RetentionDays.ONE_YEAR,
      removalPolicy: RemovalPolicy.RETAIN,
    });
    const mayWrite = new logs.CfnResourcePolicy(this, 'MayWrite', {
      policyName: `${prefix(environment)}-keys`,
      policyDocument: Stack.of(this).toJsonString({
        Version: '2012-10-17',
        Statement: [
          {
            Effect: 'Allow',
            Principal: { Service: ['events.amazonaws.com', 'delivery.logs.amazonaws.com'] },
            Action: ['logs:CreateLogStream', 'logs:PutLogEvents'],
            Resource: `${arn}:*`,
          },
        ],
      }),
    });

    const ofKeys = { resources: { ARN: keys.map((k) => k.keyArn) } };
    const rule = (id: string, suffix: string, description: string, state: string, detail: object) => {
      const made = new events.CfnRule(this, id, {
        name: `${prefix(environment)}-${suffix}`,
        description,
        state,
        eventPattern: { source: ['aws.kms'], 'detail-type': ['AWS API Call via CloudTrail'], detail },
        targets: [{ id: 'Log', arn }],
      });
      made.addResourceDependency(mayWrite);
      made.node.addDependency(this.log);
    };
    rule('Changes', 'key-changes', 'A key of payonce was changed in a way that can stop it', 'ENABLED', {
      eventName: dangerous,
      ...ofKeys,
    });
    // To use a key is a read-only event, and rules see those only in this state. A refusal names the key among its
    // resources, or only in its text.
    rule('Failures', 'key-failures', 'KMS refused to use a key of payonce', 'ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS', {
      errorCode: [{ exists: true }],
      $or: [ofKeys, { errorMessage: keys.map((k) => ({ wildcard: `*${k.keyArn}*` })) }],
    });

    const filter = new logs.MetricFilter(this, 'Count', {
      logGroup: this.log,
      filterPattern: logs.FilterPattern.allEvents(),
      metricNamespace: 'payonce',
      metricName: `${environment}-key-events`,
      metricValue: '1',
    });
    alarms.add('keys', {
      description: `KMS refuses to use a key of payonce, or a key was changed; the requests are in the log group ${name}.`,
      metric: filter.metric({ period: Duration.minutes(5), statistic: cloudwatch.Stats.SUM }),
      threshold: 0,
      periods: 1,
    });
  }
}
