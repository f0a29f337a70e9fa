package dynamo

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payonce/payonce/idempotency"
)

// Size is an item's size in bytes, as DynamoDB bills it: names and values, binary as it is before base64, a number one
// byte for each two significant digits and one more.
// Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func Size(it map[string]types.AttributeValue) int {
	size := 0
	for name, v := range it {
		size += len(name) + valueSize(v)
	}
	return size
}

func valueSize(v types.AttributeValue) int {
	switch v := v.(type) {
	case *types.AttributeValueMemberB:
		return len(v.Value)
	case *types.AttributeValueMemberS:
		return len(v.Value)
	case *types.AttributeValueMemberN:
		digits := len(strings.Trim(strings.TrimLeft(v.Value, "-"), "0"))
		size := (digits+1)/2 + 1
		if strings.HasPrefix(v.Value, "-") {
			size++
		}
		return size
	default:
		return 1 // booleans and null; this package writes nothing else
	}
}

// WriteUnits is what a write costs that leaves an item as after where it was before, nil for none: by the bigger of the
// two in the table, doubled in a transaction, and by its entries in the index, where a changed entry is a removed and a
// new one. A refused write costs the table's part.
// Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
func WriteUnits(before, after map[string]types.AttributeValue, transaction bool) (table, index int) {
	table = units(max(Size(before), Size(after)))
	if transaction {
		table *= 2
	}
	was, is := indexed(before), indexed(after)
	switch {
	case was == nil && is == nil:
	case was == nil:
		index = units(Size(is))
	case is == nil:
		index = units(Size(was))
	case !same(was[attrShard], is[attrShard]) || !same(was[attrDue], is[attrDue]):
		index = units(Size(was)) + units(Size(is))
	}
	return table, index
}

func units(bytes int) int { return max(1, (bytes+unitBytes-1)/unitBytes) }

// indexed is an item's entry in the index; nil if it has none.
func indexed(it item) item {
	if it[attrShard] == nil || it[attrDue] == nil {
		return nil
	}
	return item{attrPK: it[attrPK], attrShard: it[attrShard], attrDue: it[attrDue]}
}

// Units is what committing Changes costs, in write request units for each, if they are committed in this order to an
// empty table and nothing interferes. A Change that would be refused is billed as refused, and changes nothing.
// Requests for one reference that belong to several records, and letters, are counted too.
func Units(changes ...idempotency.Change) ([]int, error) {
	table := map[string]item{}
	var costs []int
	for _, c := range changes {
		cost, err := bill(table, c)
		if err != nil {
			return nil, err
		}
		costs = append(costs, cost)
	}
	return costs, nil
}

// bill carries a Change out on a table in memory.
func bill(table map[string]item, c idempotency.Change) (cost int, err error) {
	p, err := newPlan(c)
	if err != nil {
		return 0, err
	}
	for _, w := range p.parts {
		n, _ := carryOut(table, []write{w})
		cost += n
	}
	at := progress{takes: p.holding && c.Expect == 0}
	for range maxRounds {
		writes, err := p.billed(table, at)
		if err != nil {
			return 0, err
		}
		n, done := carryOut(table, writes)
		cost += n
		next := p.foresee(table, at)
		if done || next == at {
			break
		}
		at = next
	}
	return cost, nil
}

func (p *plan) billed(table map[string]item, at progress) (writes []write, err error) {
	if p.record != nil {
		writes = append(writes, p.recordWrite(at.takes))
	}
	if at.takes {
		writes = append(writes, p.holderWrite(at.turn))
	}
	letter := p.change.Letter
	if letter == nil {
		return writes, nil
	}
	pk := key(kindLetters, letter.Operation[:])
	w, err := changeLetters(pk, table[string(pk)], *letter)
	if w != nil {
		writes = append(writes, *w)
	}
	return writes, err
}

// foresee is what a refused commit learns from the table, as Ledger.learn does.
func (p *plan) foresee(table map[string]item, at progress) progress {
	if p.record == nil || !p.holding || !p.recordWrite(true).holds(table[string(p.record.pk)]) {
		return at
	}
	at.takes = true
	holder := table[string(holderKey(p.change.Record.Tenant, p.change.Record.Reference))]
	owner, turn, err := parseHolder(holder)
	if err == nil && table[string(operationKey(owner))][attrHolds] == nil {
		at.turn = turn
	}
	return at
}

// carryOut applies writes to a table in memory, all or none.
func carryOut(table map[string]item, writes []write) (cost int, done bool) {
	done = true
	for _, w := range writes {
		done = done && w.holds(table[string(w.pk)])
	}
	for _, w := range writes {
		before := table[string(w.pk)]
		after := w.merged(before)
		base, index := WriteUnits(before, after, len(writes) > 1)
		cost += base
		if done {
			cost += index
			table[string(w.pk)] = after
		}
	}
	return cost, done
}

// holds reports whether the write's condition holds for an item.
func (w write) holds(it item) bool {
	switch w.cond {
	case ifAbsent:
		return it == nil
	case ifVersion:
		return same(w.expect, it[attrVersion])
	case ifHolding:
		return same(w.expect, it[attrVersion]) && it[attrHolds] != nil
	case ifTurn:
		return same(w.expect, it[attrTurn])
	}
	return true
}
