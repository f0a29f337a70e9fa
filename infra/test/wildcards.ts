// The wildcards that the stack holds, each with why it must be. A test fails on one that is not here, and on a line here
// that nothing needs.
import type { Statement } from './policies';

export const explained: readonly { readonly why: string; readonly is: (s: Statement) => boolean }[] = [
  {
    why: 'in the policy of a key, the resource * is that key; there is no other way to write it',
    is: (s) => s.type === 'AWS::KMS::Key' && !s.actions.includes('kms:*') && s.effect === 'Allow',
  },
  {
    why: 'a key that its account cannot manage is lost for good: the account may, and says with IAM who in it may',
    is: (s) =>
      s.type === 'AWS::KMS::Key' && s.actions.join() === 'kms:*' && s.principals.length === 1 && /:root$/.test(s.principals[0] ?? ''),
  },
  {
    why: 'what is refused to everyone, or on every action, opens nothing',
    is: (s) => s.effect === 'Deny' && s.resources.every((r) => !r.includes('*')),
  },
  {
    why: 'the streams of one log, which have names that EventBridge draws',
    is: (s) => s.type === 'AWS::Logs::ResourcePolicy' && s.resources.every((r) => r.endsWith('-keys:*')),
  },
];

export function hasWildcard(s: Statement): boolean {
  return [...s.actions, ...s.resources, ...s.principals].some((text) => text.includes('*'));
}
