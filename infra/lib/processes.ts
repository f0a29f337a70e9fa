import { Aws, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { grants, type Grants, type Process, type ResourceKind } from './generated';
import { prefix } from './names';
import type { Options, TrustedService } from './options';

/** The processes that people run by hand or as a job, and that they may therefore take the role of. */
const byPeople: readonly Process[] = ['inspector', 'migrate'];

/** The kinds of queue that each tenant has one of. */
const perTenant: readonly ResourceKind[] = ['inbound', 'inbound-dlq'];
const tenantsPerPolicy = 20;

/** A policy and a role for each kind of process, made from Go's table and from nothing else. */
export class Processes extends Construct {
  readonly roles = new Map<Process, iam.Role>();
  readonly policies = new Map<Process, iam.ManagedPolicy[]>();

  constructor(
    scope: Construct,
    private readonly options: Options,
    arns: ARNs,
  ) {
    super(scope, 'Processes');
    const { region } = Stack.of(this);
    for (const grant of grants) {
      const role = new iam.Role(this, `${grant.process}-role`, {
        roleName: `${prefix(options.environment)}-${grant.process}`,
        description: `payonce ${options.environment}: runs as ${grant.process}`,
        assumedBy: trust(options, grant.process),
      });
      if (options.services.includes('pods.eks.amazonaws.com')) {
        role.assumeRolePolicy?.addStatements(
          new iam.PolicyStatement({
            principals: [new iam.ServicePrincipal('pods.eks.amazonaws.com')],
            actions: ['sts:TagSession'],
            conditions: ofThisAccount,
          }),
        );
      }
      this.roles.set(grant.process, role);
      const name = `${prefix(options.environment)}-${grant.process}`;
      const description = `payonce ${options.environment}: what a process of kind ${grant.process} may do`;
      const policies = [
        new iam.ManagedPolicy(this, `${grant.process}-policy`, {
          managedPolicyName: name, description, statements: statementsOf(grant, without(arns, perTenant), region), roles: [role],
        }),
      ];
      // Inbound queues are as many as tenants, and a policy holds 6,144 characters.
      for (let at = 0, part = 1; at < options.tenants.length; at += tenantsPerPolicy, part++) {
        const statements = statementsOf(grant, slice(arns, perTenant, at, at + tenantsPerPolicy), region);
        if (statements.length === 0) continue;
        policies.push(
          new iam.ManagedPolicy(this, `${grant.process}-inbound-policy-${part}`, {
            managedPolicyName: `${name}-inbound-${part}`, description: `${description} with inbound queues`, statements, roles: [role],
          }),
        );
      }
      this.policies.set(grant.process, policies);
    }
  }

  /** Which principals may do which action on a kind of queue. */
  users(kind: ResourceKind): Map<string, string[]> {
    const users = new Map<string, string[]>();
    for (const grant of grants) {
      const role = this.roles.get(grant.process);
      for (const { action, resource } of grant.allow) {
        if (resource !== kind || role === undefined) continue;
        users.set(action, [...(users.get(action) ?? []), role.roleArn, ...(this.options.roles[grant.process] ?? [])]);
      }
    }
    return users;
  }
}

const ofThisAccount = { StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID } };

function trust(options: Options, process: Process): iam.IPrincipal {
  const principals: iam.PrincipalBase[] = options.services.map((service: TrustedService) =>
    // EC2 names no source account when it takes a role for an instance; the others do.
    service === 'ec2.amazonaws.com'
      ? new iam.ServicePrincipal(service)
      : new iam.ServicePrincipal(service, { conditions: ofThisAccount }),
  );
  if (byPeople.includes(process)) principals.push(...options.operators.map((arn) => new iam.ArnPrincipal(arn)));
  const [first, ...rest] = principals;
  if (first === undefined) throw new Error(`context payonce: nobody may take the role ${process}: name services or operators`);
  return rest.length === 0 ? first : new iam.CompositePrincipal(first, ...rest);
}

type ARNs = ReadonlyMap<ResourceKind, readonly string[]>;

const without = (arns: ARNs, kinds: readonly ResourceKind[]): ARNs =>
  new Map([...arns].filter(([kind]) => !kinds.includes(kind)));

const slice = (arns: ARNs, kinds: readonly ResourceKind[], from: number, to: number): ARNs =>
  new Map(kinds.map((kind) => [kind, (arns.get(kind) ?? []).slice(from, to)]));

/**
 * One statement per resource kind that is in arns, with its actions in order: short, and readable beside the table. A
 * permission on a kind that there is none of, as inbound queues without tenants, is left out.
 */
function statementsOf(grant: Grants, arns: ARNs, region: string): iam.PolicyStatement[] {
  const groups = new Map<string, { resource: ResourceKind; via: string | undefined; actions: string[] }>();
  for (const { action, resource, via } of grant.allow) {
    const id = `${resource} ${via ?? ''}`;
    const group = groups.get(id) ?? { resource, via, actions: [] };
    group.actions.push(action);
    groups.set(id, group);
  }
  const statements: iam.PolicyStatement[] = [];
  for (const { resource, via, actions } of groups.values()) {
    const resources = arns.get(resource) ?? [];
    if (resources.length === 0) continue;
    statements.push(
      new iam.PolicyStatement({
        sid: resource.split('-').map((w) => w[0]?.toUpperCase() + w.slice(1)).join('') + (via ?? ''),
        actions,
        resources: [...resources],
        ...(via === undefined ? {} : { conditions: { StringEquals: { 'kms:ViaService': `${via}.${region}.amazonaws.com` } } }),
      }),
    );
  }
  return statements;
}
