import { CfnOutput, Stack, type StackProps, Tags } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { Alarms } from './alarms';
import type { ResourceKind } from './generated';
import { settings } from './generated';
import { Keys } from './keys';
import { KeyWatch } from './keywatch';
import { Ledger } from './table';
import { Processes } from './processes';
import { closeQueue, letTenantSend, QueuePair } from './queues';
import type { Options } from './options';

/** Everything that `--engine aws` needs, for one environment. */
export class PayonceStack extends Stack {
  constructor(scope: Construct, id: string, options: Options, props?: StackProps) {
    super(scope, id, { terminationProtection: true, ...props });
    Tags.of(this).add('payonce', options.environment);
    const { environment } = options;

    const keys = new Keys(this, environment);
    const ledger = new Ledger(this, environment, keys.table);
    const work = new QueuePair(this, 'Work', { kind: 'work', environment, key: keys.queues });
    const inbound = options.tenants.map(
      (tenant) => new QueuePair(this, `Inbound-${tenant.id}`, { kind: 'inbound', environment, tenant: tenant.id, key: keys.inbound }),
    );
    const pairs = [work, ...inbound];

    const arns = new Map<ResourceKind, string[]>([
      ['table', [ledger.table.tableArn]],
      ['index', [ledger.indexArn]],
      ['stream', [ledger.streamArn]],
      ['table-key', [keys.table.keyArn]],
      ['queue-key', [keys.queues.keyArn]],
      ['inbound-key', inbound.length === 0 ? [] : [keys.inbound.keyArn]],
      ['work', []], ['work-dlq', []], ['inbound', []], ['inbound-dlq', []],
    ]);
    for (const pair of pairs) {
      arns.get(pair.kind)?.push(pair.queue.queueArn);
      arns.get(pair.deadKind)?.push(pair.deadLetters.queueArn);
    }
    const processes = new Processes(this, options, arns);

    for (const pair of pairs) {
      const users = processes.users(pair.kind);
      const tenant = options.tenants.find((t) => t.id === pair.tenant);
      if (tenant !== undefined) {
        const principals = tenant.principals.map((arn) => new iam.ArnPrincipal(arn));
        letTenantSend(pair.queue, principals);
        // The queue proves the tenant: nobody else may write, payonce included.
        users.set('sqs:SendMessage', [...tenant.principals]);
      }
      closeQueue(pair.queue, pair.kind, users);
      closeQueue(pair.deadLetters, pair.deadKind, processes.users(pair.deadKind));
    }

    const writers = options.tenants.flatMap((t) => t.principals.map((arn) => new iam.ArnPrincipal(arn)));
    if (writers.length > 0) keys.letTenantsSend(this.region, writers);

    const alarms = new Alarms(this, environment, keys.alarms, options.alarmEmails);
    for (const pair of pairs) alarms.watchQueues(pair);
    alarms.watchTable(ledger.table.tableName, settings.table.index);
    new KeyWatch(this, environment, keys.guarded, keys.alarms, alarms);

    const output = (name: string, value: string, description: string) => new CfnOutput(this, name, { value, description });
    output('Region', this.region, 'AWS region of everything');
    output('Table', ledger.table.tableName, 'name of the DynamoDB table');
    output('WorkQueue', work.queue.queueName, 'name of the work queue');
    output('WorkDeadLetterQueue', work.deadLetters.queueName, 'name of the queue of its dead letters');
    if (inbound.length > 0) {
      const urls = (of: (p: QueuePair) => string) => this.toJsonString(Object.fromEntries(inbound.map((p) => [p.tenant ?? '', of(p)])));
      output('InboundQueues', urls((p) => p.queue.queueUrl), 'JSON: tenant to URL of its inbound queue');
      output('InboundDeadLetterQueues', urls((p) => p.deadLetters.queueUrl), 'JSON: tenant to URL of the queue of its dead letters');
    }
    output('AlarmTopic', alarms.topic.topicArn, 'SNS topic of alarms');
    for (const [process, role] of processes.roles) output(`${pascal(process)}Role`, role.roleArn, `role of processes of kind ${process}`);
    for (const [process, policies] of processes.policies) {
      const arns = policies.map((p) => p.managedPolicyArn).join(',');
      output(`${pascal(process)}Policies`, arns, `managed policies of processes of kind ${process}, for roles of your own`);
    }
  }
}

const pascal = (word: string) => word.charAt(0).toUpperCase() + word.slice(1);
