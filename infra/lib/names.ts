// Names are fixed by the environment, so that policies can name a resource before it exists and people can find it.
import { settings, type QueueKind } from './generated';

const maxQueueName = 80; // https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-queues.html

/** The name of a queue. Throws an Error if SQS would not take it. */
export function queueName(kind: QueueKind, environment: string, tenant = ''): string {
  const name = settings.names.queues[kind]
    .replaceAll('{environment}', environment)
    .replaceAll('{tenant}', tenant.replaceAll('.', settings.names.dot));
  if (name.length > maxQueueName) {
    throw new Error(`the queue name ${name} has ${name.length} characters, SQS takes ${maxQueueName}: shorten the environment or tenant`);
  }
  return name;
}

/** The name of the table. */
export function tableName(environment: string): string {
  return settings.names.table.replaceAll('{environment}', environment);
}

/** What begins the name of everything else of an environment. */
export function prefix(environment: string): string {
  return `payonce-${environment}`;
}
