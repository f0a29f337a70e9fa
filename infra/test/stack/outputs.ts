// What whoever deploys gets, and what is kept from a slip of the hand.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { grants } from '../../lib/generated';
import { full, small } from './fixture';

test('outputs: what the settings of payonce need', () => {
  const kinds = grants.map((g) => g.process.charAt(0).toUpperCase() + g.process.slice(1));
  const always = ['Region', 'Table', 'WorkQueue', 'WorkDeadLetterQueue', 'AlarmTopic',
    ...kinds.map((k) => `${k}Role`), ...kinds.map((k) => `${k}Policies`)];
  assert.deepEqual(Object.keys(small.template.Outputs).sort(), [...always].sort());
  assert.deepEqual(Object.keys(full.template.Outputs).sort(), [...always, 'InboundQueues', 'InboundDeadLetterQueues'].sort());
});

test('the stack cannot be deleted by mistake', () => {
  assert.equal(full.stack.terminationProtection, true);
});
