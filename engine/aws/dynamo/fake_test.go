package dynamo

import (
	"cmp"
	"context"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// fake is a table in memory that understands the expressions of this package and no others. before and after run
// around each call, outside of the lock; an error of after is an answer that was lost.
type fake struct {
	before, after func(call string) error
	page          int // entries of a page of Query and items of an answer of BatchGetItem

	mu    sync.Mutex
	items map[string]item
	calls map[string]int
}

func newFake() *fake { return &fake{items: map[string]item{}, calls: map[string]int{}, page: 40} }

func (f *fake) do(ctx context.Context, name string, call func() error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if f.before != nil {
		if err := f.before(name); err != nil {
			return err
		}
	}
	f.mu.Lock()
	f.calls[name]++
	err := call()
	f.mu.Unlock()
	if err == nil && f.after != nil {
		err = f.after(name)
	}
	return err
}

func pkOf(it item) string { b, _ := binaryOf(it, attrPK); return string(b) }

func (f *fake) GetItem(ctx context.Context, in *dynamodb.GetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.GetItemOutput, error) {
	out := &dynamodb.GetItemOutput{}
	return out, f.do(ctx, "get", func() error {
		out.Item = f.items[pkOf(in.Key)]
		return nil
	})
}

func (f *fake) BatchGetItem(ctx context.Context, in *dynamodb.BatchGetItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.BatchGetItemOutput, error) {
	out := &dynamodb.BatchGetItemOutput{Responses: map[string][]map[string]types.AttributeValue{}}
	return out, f.do(ctx, "batchget", func() error {
		for table, keys := range in.RequestItems {
			n := min(f.page, len(keys.Keys))
			for _, k := range keys.Keys[:n] {
				if it := f.items[pkOf(k)]; it != nil {
					out.Responses[table] = append(out.Responses[table], it)
				}
			}
			if n < len(keys.Keys) {
				out.UnprocessedKeys = map[string]types.KeysAndAttributes{table: {Keys: keys.Keys[n:]}}
			}
		}
		return nil
	})
}

func (f *fake) PutItem(ctx context.Context, in *dynamodb.PutItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.PutItemOutput, error) {
	return &dynamodb.PutItemOutput{}, f.do(ctx, "put", func() error {
		old := f.items[pkOf(in.Item)]
		if !meets(in.ConditionExpression, old, in.ExpressionAttributeValues) {
			return &types.ConditionalCheckFailedException{Item: old}
		}
		f.items[pkOf(in.Item)] = maps.Clone(in.Item)
		return nil
	})
}

func (f *fake) UpdateItem(ctx context.Context, in *dynamodb.UpdateItemInput, _ ...func(*dynamodb.Options)) (*dynamodb.UpdateItemOutput, error) {
	out := &dynamodb.UpdateItemOutput{}
	return out, f.do(ctx, "update", func() error {
		old := f.items[pkOf(in.Key)]
		if !meets(in.ConditionExpression, old, in.ExpressionAttributeValues) {
			return &types.ConditionalCheckFailedException{Item: old}
		}
		out.Attributes = updated(old, in.Key, *in.UpdateExpression, in.ExpressionAttributeValues)
		f.items[pkOf(in.Key)] = out.Attributes
		return nil
	})
}

func (f *fake) TransactWriteItems(ctx context.Context, in *dynamodb.TransactWriteItemsInput, _ ...func(*dynamodb.Options)) (*dynamodb.TransactWriteItemsOutput, error) {
	return &dynamodb.TransactWriteItemsOutput{}, f.do(ctx, "transact", func() error {
		reasons := make([]types.CancellationReason, len(in.TransactItems))
		canceled := false
		after := map[string]item{}
		for i, w := range in.TransactItems {
			var key, values, next item
			var condition *string
			if w.Put != nil {
				key, values, condition, next = w.Put.Item, w.Put.ExpressionAttributeValues, w.Put.ConditionExpression, w.Put.Item
			} else {
				key, values, condition = w.Update.Key, w.Update.ExpressionAttributeValues, w.Update.ConditionExpression
				next = updated(f.items[pkOf(key)], key, *w.Update.UpdateExpression, values)
			}
			reasons[i].Code = aws.String("None")
			if old := f.items[pkOf(key)]; !meets(condition, old, values) {
				reasons[i] = types.CancellationReason{Code: aws.String(reasonCondition), Item: old}
				canceled = true
			}
			after[pkOf(key)] = maps.Clone(next)
		}
		if canceled {
			return &types.TransactionCanceledException{CancellationReasons: reasons}
		}
		maps.Copy(f.items, after)
		return nil
	})
}

func (f *fake) Query(ctx context.Context, in *dynamodb.QueryInput, _ ...func(*dynamodb.Options)) (*dynamodb.QueryOutput, error) {
	out := &dynamodb.QueryOutput{}
	return out, f.do(ctx, "query", func() error {
		n := func(it item, name string) uint64 { n, _ := numberOf(it, name); return n }
		var found []item
		for _, it := range f.items {
			e := indexed(it)
			values := in.ExpressionAttributeValues
			if e != nil && same(e[attrShard], values[":s"]) && n(e, attrDue) >= n(values, ":a") && n(e, attrDue) <= n(values, ":b") {
				found = append(found, e)
			}
		}
		order := func(a, b item) int {
			return cmp.Or(cmp.Compare(n(a, attrDue), n(b, attrDue)), cmp.Compare(pkOf(a), pkOf(b)))
		}
		slices.SortFunc(found, order)
		if start := in.ExclusiveStartKey; start != nil {
			found = slices.DeleteFunc(found, func(e item) bool { return order(e, start) <= 0 })
		}
		most := f.page
		if in.Limit != nil {
			most = min(most, int(*in.Limit))
		}
		if len(found) > most {
			found = found[:most]
			out.LastEvaluatedKey = found[most-1]
		}
		out.Items = found
		return nil
	})
}

// meets evaluates "a AND (b OR c)".
func meets(condition *string, it, values item) bool {
	if condition == nil {
		return true
	}
	for all := range strings.SplitSeq(*condition, " AND ") {
		all = strings.TrimSuffix(strings.TrimPrefix(all, "("), ")")
		if strings.Count(all, "(") > strings.Count(all, ")") {
			all += ")"
		}
		if !slices.ContainsFunc(strings.Split(all, " OR "), func(one string) bool { return meetsOne(one, it, values) }) {
			return false
		}
	}
	return true
}

func meetsOne(one string, it, values item) bool {
	if name, ok := strings.CutPrefix(one, "attribute_exists("); ok {
		return it[strings.TrimSuffix(name, ")")] != nil
	}
	if name, ok := strings.CutPrefix(one, "attribute_not_exists("); ok {
		return it[strings.TrimSuffix(name, ")")] == nil
	}
	name, value, ok := strings.Cut(one, " = ")
	if !ok {
		panic("a condition that the fake does not know: " + one)
	}
	return same(values[value], it[name])
}

var (
	clauses     = regexp.MustCompile(`(SET|REMOVE|ADD) `)
	assignments = regexp.MustCompile(`(\w+) = (if_not_exists\(\w+, )?(:\w+)`)
)

func updated(old, key item, expression string, values item) item {
	it := maps.Clone(key)
	maps.Copy(it, old)
	at := clauses.FindAllStringIndex(expression, -1)
	for i, c := range at {
		end := len(expression)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		body := strings.TrimSpace(expression[c[1]:end])
		switch strings.TrimSpace(expression[c[0]:c[1]]) {
		case "SET":
			for _, m := range assignments.FindAllStringSubmatch(body, -1) {
				if m[2] == "" || it[m[1]] == nil {
					it[m[1]] = values[m[3]]
				}
			}
		case "REMOVE":
			for name := range strings.SplitSeq(body, ", ") {
				delete(it, name)
			}
		case "ADD":
			name, value, _ := strings.Cut(body, " ")
			was, _ := numberOf(it, name)
			more, _ := numberOf(values, value)
			it[name] = &types.AttributeValueMemberN{Value: strconv.FormatUint(was+more, 10)}
		}
	}
	return it
}
