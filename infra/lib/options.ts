// What whoever deploys decides: read from the context `payonce`, checked whole, so that a mistake is a sentence and not a
// half-made stack.
import { type Construct } from 'constructs';
import { grants, settings, type Process } from './generated';

export interface Tenant {
  /** The tenant's name in payonce: 1 to 64 of a-z, 0-9, and inside also . _ - */
  readonly id: string;
  /** ARNs of the IAM roles and users that write for this tenant. Nobody else can. */
  readonly principals: readonly string[];
}

export interface Options {
  /** Part of every name: a lower-case letter, then up to 15 letters and digits. */
  readonly environment: string;
  /** AWS services that may take the roles for the processes they run. */
  readonly services: readonly TrustedService[];
  /** ARNs of the people's or jobs' roles that may take the roles inspector and migrate. */
  readonly operators: readonly string[];
  /** ARNs of other roles that run as a process; attach the process's managed policy to them. */
  readonly roles: Readonly<Partial<Record<Process, readonly string[]>>>;
  /** Addresses that get the alarms by mail, each after it has confirmed. */
  readonly alarmEmails: readonly string[];
  /** Tenants that write to a queue of their own instead of the HTTP API. */
  readonly tenants: readonly Tenant[];
}

const trustedServices = ['ecs-tasks.amazonaws.com', 'ec2.amazonaws.com', 'pods.eks.amazonaws.com'] as const;
export type TrustedService = (typeof trustedServices)[number];

const environmentForm = /^[a-z][a-z0-9]{0,15}$/;
const tenantForm = /^[a-z0-9][a-z0-9._-]{0,63}$/;
// No wildcards: a queue proves its tenant only if each principal is named.
const principalForm = /^arn:aws[a-z-]*:iam::\d{12}:(role|user)\/[\w+=,.@/-]+$/;
const maxTenants = 60;
const mailForm = /^[^\s@]+@[^\s@]+$/;

/** Reads the options from the context of the app. Throws an Error that lists everything that is wrong. */
export function readOptions(scope: Construct): Options {
  const raw: unknown = scope.node.tryGetContext('payonce');
  // On the command line (-c payonce='{...}') a context value is text.
  return checkOptions(typeof raw === 'string' ? JSON.parse(raw) : raw);
}

/** Checks options of any origin. Throws an Error that lists everything that is wrong. */
export function checkOptions(raw: unknown): Options {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw)) {
    throw new Error('context payonce: an object is needed; see infra/README.md');
  }
  const wrong: string[] = [];
  const given = raw as Record<string, unknown>;
  const known = ['environment', 'services', 'operators', 'roles', 'alarmEmails', 'tenants'];
  for (const name of Object.keys(given)) {
    if (!known.includes(name)) wrong.push(`${name}: no such option; there are ${known.join(', ')}`);
  }
  const texts = (value: unknown, where: string, form: RegExp, what: string): string[] => {
    if (value === undefined) return [];
    if (!Array.isArray(value)) {
      wrong.push(`${where}: a list is needed`);
      return [];
    }
    for (const one of value) {
      if (typeof one !== 'string' || !form.test(one)) wrong.push(`${where}: ${JSON.stringify(one)} is not ${what}`);
    }
    return value as string[];
  };
  const principals = (value: unknown, where: string) =>
    texts(value, where, principalForm, 'the ARN of an IAM role or user without wildcards');

  const environment = given.environment;
  if (typeof environment !== 'string' || !environmentForm.test(environment)) {
    wrong.push('environment: a lower-case letter, then up to 15 letters and digits');
  }
  const services = given.services === undefined ? ['ecs-tasks.amazonaws.com'] : given.services;
  if (!Array.isArray(services) || services.some((s) => !trustedServices.includes(s as TrustedService))) {
    wrong.push(`services: a list of ${trustedServices.join(', ')}`);
  }
  const roles: Partial<Record<Process, string[]>> = {};
  for (const [process, value] of Object.entries((given.roles ?? {}) as Record<string, unknown>)) {
    if (!grants.some((g) => g.process === process)) wrong.push(`roles: ${process} is no process`);
    roles[process as Process] = principals(value, `roles.${process}`);
  }
  const tenants: Tenant[] = [];
  if (given.tenants !== undefined && !Array.isArray(given.tenants)) wrong.push('tenants: a list is needed');
  for (const entry of Array.isArray(given.tenants) ? (given.tenants as unknown[]) : []) {
    const { id, principals: writers } = (entry ?? {}) as { id?: unknown; principals?: unknown };
    if (typeof id !== 'string' || !tenantForm.test(id)) {
      wrong.push(`tenants: ${JSON.stringify(id)} is no tenant: 1 to 64 of a-z, 0-9, and inside also . _ -`);
      continue;
    }
    if (tenants.some((t) => t.id === id)) wrong.push(`tenants: ${id} is there twice`);
    const arns = principals(writers, `tenants ${id}: principals`);
    if (arns.length === 0) wrong.push(`tenants ${id}: name at least one principal; a queue that nobody may write to proves nobody`);
    tenants.push({ id, principals: arns });
  }
  for (const { id } of tenants) {
    if (tenants.some((t) => t.id === id + settings.names.dead_suffix)) {
      wrong.push(`tenants: ${id}${settings.names.dead_suffix} would have the queue that takes the dead letters of ${id}`);
    }
  }
  if (tenants.length > maxTenants) {
    wrong.push(`tenants: ${tenants.length} of them; one stack holds ${maxTenants}, because CloudFormation holds 500 resources`);
  }
  // One principal in two queues could speak for two tenants: then the queue, not the principal, is what it chose to say.
  const writers = tenants.flatMap((t) => t.principals);
  for (const arn of new Set(writers.filter((arn, i) => writers.indexOf(arn) !== i))) {
    wrong.push(`tenants: ${arn} writes for two tenants; give each tenant principals of its own`);
  }
  const operators = principals(given.operators, 'operators');
  const alarmEmails = texts(given.alarmEmails, 'alarmEmails', mailForm, 'a mail address');
  if (wrong.length > 0) throw new Error(`context payonce:\n  ${wrong.join('\n  ')}`);
  return {
    environment: environment as string,
    services: services as TrustedService[],
    operators,
    roles,
    alarmEmails,
    tenants,
  };
}
