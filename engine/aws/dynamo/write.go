package dynamo

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// Conditions of writes. :e is the expected number.
const (
	ifAbsent  = "attribute_not_exists(pk)"
	ifVersion = "v = :e"
	ifHolding = "v = :e AND attribute_exists(h)"
	ifTurn    = "n = :e"
)

// write is one conditional write of one item, as data.
type write struct {
	pk     []byte
	whole  bool // the item is set alone; else the rest of it stays
	set    item
	remove []string
	cond   string // empty: none
	expect types.AttributeValue
}

// merged is the item after the write.
func (w write) merged(before item) item {
	after := item{attrPK: binary(w.pk)}
	if !w.whole {
		maps.Copy(after, before)
	}
	maps.Copy(after, w.set)
	for _, name := range w.remove {
		delete(after, name)
	}
	return after
}

// met reports whether an item is as the write leaves it.
func (w write) met(it item) bool {
	for name, v := range w.set {
		if !same(v, it[name]) {
			return false
		}
	}
	for _, name := range w.remove {
		if it[name] != nil {
			return false
		}
	}
	return true
}

func (w write) item() item { return w.merged(nil) }

// update is the update expression and the values of the write, those of its condition included.
func (w write) update() (expression string, values item) {
	values = item{}
	var sets []string
	for _, name := range slices.Sorted(maps.Keys(w.set)) {
		values[":"+name] = w.set[name]
		sets = append(sets, name+" = :"+name)
	}
	expression = "SET " + strings.Join(sets, ", ")
	if len(w.remove) > 0 {
		expression += " REMOVE " + strings.Join(w.remove, ", ")
	}
	maps.Copy(values, w.expected())
	return expression, values
}

func (w write) expected() item {
	if w.expect == nil {
		return nil
	}
	return item{":e": w.expect}
}

func (w write) condition() *string {
	if w.cond == "" {
		return nil
	}
	return &w.cond
}

// oldItem asks for the stored item with a refusal. It costs nothing.
const oldItem = types.ReturnValuesOnConditionCheckFailureAllOld

func (w write) inTransaction(table *string) types.TransactWriteItem {
	if w.whole {
		return types.TransactWriteItem{Put: &types.Put{
			TableName: table, Item: w.item(), ConditionExpression: w.condition(),
			ExpressionAttributeValues: w.expected(), ReturnValuesOnConditionCheckFailure: oldItem,
		}}
	}
	expression, values := w.update()
	return types.TransactWriteItem{Update: &types.Update{
		TableName: table, Key: item{attrPK: binary(w.pk)}, UpdateExpression: &expression,
		ConditionExpression: w.condition(), ExpressionAttributeValues: values, ReturnValuesOnConditionCheckFailure: oldItem,
	}}
}

func (w write) alone(ctx context.Context, l *Ledger) error {
	if w.whole {
		_, err := l.config.Client.PutItem(ctx, &dynamodb.PutItemInput{
			TableName: &l.config.Table, Item: w.item(), ConditionExpression: w.condition(),
			ExpressionAttributeValues: w.expected(), ReturnValuesOnConditionCheckFailure: oldItem,
		}, once)
		return err
	}
	expression, values := w.update()
	_, err := l.config.Client.UpdateItem(ctx, &dynamodb.UpdateItemInput{
		TableName: &l.config.Table, Key: item{attrPK: binary(w.pk)}, UpdateExpression: &expression,
		ConditionExpression: w.condition(), ExpressionAttributeValues: values, ReturnValuesOnConditionCheckFailure: oldItem,
	}, once)
	return err
}

// refusal is a write whose condition did not hold.
type refusal struct {
	refused bool
	item    item // as stored; nil: there is none
}

// write carries writes out, all or none. refusals is nil if it did; else it has an entry for each write.
//
// A try that meets what an earlier try of the same call may have written counts as that try's success. Of two callers
// that write the very same bytes at the very same version, and of whom one lost an answer, both may be told so: they
// then both do the same, which is harmless by the rules of the protocol.
func (l *Ledger) write(ctx context.Context, what string, writes []write) (refusals []refusal, err error) {
	inDoubt, err := l.try(ctx, what, func(ctx context.Context) error {
		if len(writes) == 1 {
			return writes[0].alone(ctx, l)
		}
		in := &dynamodb.TransactWriteItemsInput{}
		for _, w := range writes {
			in.TransactItems = append(in.TransactItems, w.inTransaction(&l.config.Table))
		}
		_, err := l.config.Client.TransactWriteItems(ctx, in, once)
		return err
	})
	if err == nil {
		return nil, nil
	}
	if judge(err) == definite {
		refusals = refusalsOf(err, len(writes))
	}
	switch {
	case refusals == nil:
		return nil, err
	case inDoubt && refusals[0].refused && writes[0].met(refusals[0].item):
		return nil, nil
	}
	return refusals, nil
}

// refusalsOf reads which conditions did not hold; nil if that is not what the error says.
func refusalsOf(err error, n int) []refusal {
	var one *types.ConditionalCheckFailedException
	if errors.As(err, &one) && n == 1 {
		return []refusal{{refused: true, item: one.Item}}
	}
	var canceled *types.TransactionCanceledException
	if !errors.As(err, &canceled) || len(canceled.CancellationReasons) != n {
		return nil
	}
	refusals := make([]refusal, n)
	any := false
	for i, r := range canceled.CancellationReasons {
		if code(r) == reasonCondition {
			refusals[i] = refusal{refused: true, item: r.Item}
			any = true
		}
	}
	if !any {
		return nil
	}
	return refusals
}
