import { RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import { Construct } from 'constructs';
import { settings, type KeyAttribute } from './generated';
import { tableName } from './names';

/** The table of operations and its index of what is waiting. It outlives the stack. */
export class Ledger extends Construct {
  readonly table: dynamodb.Table;
  readonly indexArn: string;
  readonly streamArn: string;

  constructor(scope: Construct, environment: string, encryptionKey: kms.IKey) {
    super(scope, 'Ledger');
    const name = tableName(environment);
    // Written out, because a policy inside a table cannot refer to it.
    const arn = Stack.of(this).formatArn({ service: 'dynamodb', resource: 'table', resourceName: name });
    this.table = new dynamodb.Table(this, 'Table', {
      tableName: name,
      partitionKey: attribute(settings.table.partition_key),
      billingMode: dynamodb.BillingMode.PAY_PER_REQUEST,
      encryption: dynamodb.TableEncryption.CUSTOMER_MANAGED,
      encryptionKey,
      pointInTimeRecoverySpecification: {
        pointInTimeRecoveryEnabled: true,
        recoveryPeriodInDays: settings.table.recovery_days,
      },
      stream: settings.table.stream_view as dynamodb.StreamViewType,
      deletionProtection: true,
      removalPolicy: RemovalPolicy.RETAIN,
      resourcePolicy: new iam.PolicyDocument({
        statements: [
          new iam.PolicyStatement({
            sid: 'OnlyWithTLS',
            effect: iam.Effect.DENY,
            principals: [new iam.AnyPrincipal()],
            actions: ['dynamodb:*'],
            resources: [arn, `${arn}/index/${settings.table.index}`],
            conditions: { Bool: { 'aws:SecureTransport': 'false' } },
          }),
        ],
      }),
    });
    if (settings.table.index_projection !== dynamodb.ProjectionType.KEYS_ONLY) {
      throw new Error(`settings.json: no stack for an index that projects ${settings.table.index_projection}`);
    }
    // Sparse: only items that wait have these attributes. Keys only: the reader goes to the item anyway.
    this.table.addGlobalSecondaryIndex({
      indexName: settings.table.index,
      partitionKey: attribute(settings.table.index_partition_key),
      sortKey: attribute(settings.table.index_sort_key),
      projectionType: dynamodb.ProjectionType.KEYS_ONLY,
    });
    const { tableStreamArn } = this.table;
    if (tableStreamArn === undefined) throw new Error('settings.json: the table has no stream');
    this.streamArn = tableStreamArn;
    this.indexArn = `${this.table.tableArn}/index/${settings.table.index}`;
  }
}

function attribute(a: KeyAttribute): dynamodb.Attribute {
  const types = { B: dynamodb.AttributeType.BINARY, N: dynamodb.AttributeType.NUMBER, S: dynamodb.AttributeType.STRING };
  return { name: a.name, type: types[a.type] };
}
