import { RemovalPolicy, Duration } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { prefix } from './names';

/**
 * Keys by who needs them: tenants use the key of the inbound queues and no other, CloudWatch that of the alarms. All
 * rotate yearly, and wait 30 days before they are gone.
 */
export class Keys extends Construct {
  readonly table: kms.Key;
  readonly queues: kms.Key;
  readonly inbound: kms.Key;
  readonly alarms: kms.Key;

  constructor(scope: Construct, environment: string) {
    super(scope, 'Keys');
    const key = (id: string, name: string, description: string) =>
      new kms.Key(this, id, {
        alias: `alias/${prefix(environment)}-${name}`,
        description: `payonce ${environment}: ${description}`,
        enableKeyRotation: true,
        rotationPeriod: Duration.days(365),
        pendingWindow: Duration.days(30),
        removalPolicy: RemovalPolicy.RETAIN,
      });
    this.table = key('Table', 'table', 'the table of operations');
    this.queues = key('Queues', 'queues', 'the queue of work, and its dead letters');
    this.inbound = key('Inbound', 'inbound', 'queues that tenants write to, and their dead letters');
    this.alarms = key('Alarms', 'alarms', 'the topic and the log of alarms');
  }

  /** The keys that payments depend on. */
  get guarded(): readonly kms.Key[] {
    return [this.table, this.queues, this.inbound];
  }

  /** Lets tenants' principals, of whatever account, encrypt for SQS; which queue they reach is for the queue to say. */
  letTenantsSend(region: string, principals: readonly iam.IPrincipal[]): void {
    this.inbound.addToResourcePolicy(
      new iam.PolicyStatement({
        sid: 'TenantsSend',
        principals: [...principals],
        actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
        resources: ['*'],
        conditions: { StringEquals: { 'kms:ViaService': `sqs.${region}.amazonaws.com` } },
      }),
    );
  }
}
