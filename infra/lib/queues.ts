import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { settings, type QueueKind } from './generated';
import { queueName } from './names';

export interface QueuePairProps {
  readonly kind: 'work' | 'inbound';
  readonly environment: string;
  readonly tenant?: string;
  readonly key: kms.IKey;
}

/** A queue and the queue of its dead letters, both standard queues. They outlive the stack. */
export class QueuePair extends Construct {
  readonly queue: sqs.Queue;
  readonly deadLetters: sqs.Queue;
  readonly kind: 'work' | 'inbound';
  readonly deadKind: QueueKind;
  readonly tenant: string | undefined;

  constructor(scope: Construct, id: string, props: QueuePairProps) {
    super(scope, id);
    this.kind = props.kind;
    this.tenant = props.tenant;
    const of = settings.queues[props.kind];
    if (of.dead_letter_queue === undefined || of.max_receive_count === undefined) {
      throw new Error(`settings.json: ${props.kind} has no dead-letter queue`);
    }
    this.deadKind = of.dead_letter_queue;
    const name = queueName(props.kind, props.environment, props.tenant);
    // By its name, because each of the two queues names the other.
    const arn = Stack.of(this).formatArn({ service: 'sqs', resource: name });
    this.deadLetters = this.make('DeadLetters', this.deadKind, props, {
      redriveAllowPolicy: { sourceQueues: [sqs.Queue.fromQueueArn(this, 'Source', arn)] },
    });
    this.queue = this.make('Queue', props.kind, props, {
      deadLetterQueue: { queue: this.deadLetters, maxReceiveCount: of.max_receive_count },
    });
  }

  private make(id: string, kind: QueueKind, props: QueuePairProps, more: sqs.QueueProps): sqs.Queue {
    const of = settings.queues[kind];
    return new sqs.Queue(this, id, {
      queueName: queueName(kind, props.environment, props.tenant),
      encryption: sqs.QueueEncryption.KMS,
      encryptionMasterKey: props.key,
      dataKeyReuse: Duration.seconds(settings.data_key_reuse_seconds),
      enforceSSL: true,
      visibilityTimeout: Duration.seconds(of.visibility_timeout_seconds),
      retentionPeriod: Duration.seconds(of.retention_seconds),
      deliveryDelay: Duration.seconds(of.delay_seconds),
      receiveMessageWaitTime: Duration.seconds(of.receive_wait_seconds),
      maxMessageSizeBytes: of.max_message_bytes,
      removalPolicy: RemovalPolicy.RETAIN,
      ...more,
    });
  }
}

// What touches messages. Managing a queue is left to the account's own policies.
const dataActions = ['sqs:SendMessage', 'sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility'] as const;

/**
 * Refuses each action on messages to everyone but the principals named for it: a broad policy elsewhere in the account
 * opens nothing here. What nobody is named for, nobody may do; emptying a queue is among that. Sending to a queue of dead
 * letters is left alone, for SQS itself moves messages there.
 */
export function closeQueue(queue: sqs.Queue, kind: QueueKind, users: ReadonlyMap<string, readonly string[]>): void {
  const nobody = ['sqs:PurgeQueue'];
  for (const action of dataActions) {
    if (action === 'sqs:SendMessage' && settings.queues[kind].dead_letter_queue === undefined) continue;
    const arns = users.get(action) ?? [];
    if (arns.length === 0) {
      nobody.push(action);
      continue;
    }
    queue.addToResourcePolicy(
      new iam.PolicyStatement({
        sid: `Only${action.slice('sqs:'.length)}ByThese`,
        effect: iam.Effect.DENY,
        principals: [new iam.AnyPrincipal()],
        actions: [action],
        resources: [queue.queueArn],
        conditions: { ArnNotEquals: { 'aws:PrincipalArn': [...arns] } },
      }),
    );
  }
  queue.addToResourcePolicy(
    new iam.PolicyStatement({
      sid: 'ByNobody',
      effect: iam.Effect.DENY,
      principals: [new iam.AnyPrincipal()],
      actions: nobody,
      resources: [queue.queueArn],
    }),
  );
}

/** Lets a tenant's principals write to the tenant's queue. */
export function letTenantSend(queue: sqs.Queue, principals: readonly iam.IPrincipal[]): void {
  queue.addToResourcePolicy(
    new iam.PolicyStatement({
      sid: 'TenantSends',
      principals: [...principals],
      actions: ['sqs:SendMessage', 'sqs:GetQueueUrl'],
      resources: [queue.queueArn],
    }),
  );
}
