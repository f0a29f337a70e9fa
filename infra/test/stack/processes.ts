// Each process may do what the table of permissions says; no wildcard goes unexplained.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grants, settings, type QueueKind } from '../../lib/generated';
import { list, ofType, only, text } from '../synth';
import { explained, hasWildcard } from '../wildcards';
import { role, tenants, full, stacks, policies, queue, roleOf } from './fixture';

for (const { process, allow } of grants) {
  test(`${process}: may do what the table says and nothing else`, () => {
    const arn = roleOf(process);
    const own = ofType(full.template, 'AWS::IAM::ManagedPolicy').filter(([, r]) => list(r.Properties.Roles).some((x) => arn.startsWith(`${text(x).slice(0, -1)}.`)));
    assert.ok(own.length > 0);
    const got = new Set<string>();
    for (const s of policies.filter((p) => own.some(([id]) => id === p.resource))) {
      assert.equal(s.effect, 'Allow');
      for (const action of s.actions) {
        for (const resource of s.resources) {
          const via = text(s.condition.StringEquals?.['kms:ViaService'] ?? '').split('.')[0] ?? '';
          assert.equal(action.startsWith('kms:'), via !== '', `${action} on ${resource}: a key is used through a service only`);
          got.add(`${action} ${resource} ${via}`);
        }
      }
    }
    const table = only(full.template, 'AWS::DynamoDB::Table').id;
    const key = (prefix: string) => ofType(full.template, 'AWS::KMS::Key').filter(([id]) => id.startsWith(prefix)).map(([id]) => `\${${id}.Arn}`);
    const where = (kind: string): string[] => {
      switch (kind) {
        case 'table': return [`\${${table}.Arn}`];
        case 'index': return [`\${${table}.Arn}/index/${settings.table.index}`];
        case 'stream': return [`\${${table}.StreamArn}`];
        case 'table-key': return key('KeysTable');
        case 'queue-key': return key('KeysQueues');
        case 'inbound-key': return key('KeysInbound');
        case 'inbound': case 'inbound-dlq': return tenants.map((t) => `\${${queue(kind, t.id).id}.Arn}`);
        default: return [`\${${queue(kind as QueueKind).id}.Arn}`];
      }
    };
    const want = allow.flatMap((p) => where(p.resource).map((r) => `${p.action} ${r} ${p.via ?? ''}`));
    assert.deepEqual([...got].sort(), [...new Set(want)].sort());
  });
}

test('roles: no inline policies, nobody of AWS, and people only where people work', () => {
  for (const [id, r] of ofType(full.template, 'AWS::IAM::Role')) {
    assert.equal(r.Properties.Policies, undefined, id);
    assert.equal(r.Properties.ManagedPolicyArns, undefined, id);
    const people = policies.filter((s) => s.resource === id && s.principals.includes(role('operators'))).length > 0;
    assert.equal(people, /-(inspector|migrate)$/.test(r.Properties.RoleName as string), id);
  }
});

for (const [name, s] of Object.entries(stacks)) {
  test(`${name}: policies fit`, () => {
    for (const [id, r] of ofType(s.template, 'AWS::IAM::ManagedPolicy')) {
      // An ARN is longer than the reference to it: count it at its longest, of a queue or key in any region.
      const size = JSON.stringify(r.Properties.PolicyDocument).replace(/\{"Fn::GetAtt":\["[^"]+","(?:Stream)?Arn"\]\}/g, 'x'.repeat(140)).length;
      assert.ok(size <= 6144, `${id} may have ${size} characters; IAM takes 6144`);
    }
  });
}

test('wildcards: each is explained, and no explanation is left over', () => {
  const wild = policies.filter(hasWildcard);
  for (const s of wild) {
    assert.ok(explained.some((e) => e.is(s)), `${s.resource} ${s.sid}: ${s.effect} ${s.actions.join()} on ${s.resources.join()} for ${s.principals.join()}`);
  }
  for (const e of explained) assert.ok(wild.some((s) => e.is(s)), `nothing needs: ${e.why}`);
});
