// Package dynamo is the ledger of payonce in one DynamoDB table: records, holders of references, dead letters, API keys
// and what an installation knows of itself. Any number of processes may use one table at once. Messages and outcomes
// are not its business: an engine carries a Change out by [Ledger.Write], then its messages, then its outcome, and where
// the record is published only by that outcome, [Ledger.MarkPublished] last.
//
// # Table
//
// The table has one partition key, pk (binary), and one sparse index; [Table] describes both. The first byte of pk says
// what an item is:
//
//	o + id                  an operation's record
//	h + reference token     who holds a reference
//	p + id + hash           a request or a frozen form that is too big for the record's item
//	l + id                  the dead letters of an operation
//	k + hash, i + id, n + number, c    API keys: the key, its id, its place in the list, the last place
//	m                       the installation
//
// An operation's item has the attributes v (version), d (the record, see encoding.Pack), r (request) and f (frozen
// form), or q and g: the hashes of the items that those are in. h is there while the record holds its reference, s and
// u (shard and moment) while it is due. Names have one letter, since every byte of an item is paid for: the item of an
// ordinary payment stays within 1,024 bytes, one write unit, from accept to outcome. [Units] is the arithmetic.
//
// # One write
//
// Every Change is one conditional write: of the record alone, or, where it takes a reference or changes a letter, one
// transaction. The condition is the version, which grows with every commit and so covers the fence. A refused write
// brings the stored item along, so that nothing is read to answer it.
//
// A reference is free while the record that its holder item names does not hold it. Giving it back therefore writes
// nothing but the record. Taking it over compares the holder item's turn, which grows each time the reference is
// taken: whoever reads that the holder is free, and takes the turn that it has read, cannot miss that it was taken
// again in between, not even by the same payment.
//
// Parts in items of their own are named by their content, are durable before the record that names them, and never
// change. One whose record was refused is left behind; it is harmless.
//
// # Retries
//
// Throttling, conflicts between transactions, lost answers and failures of the service are tried again here, with
// growing, jittered delays. The SDK's own retries are turned off in every call: they would multiply with ours, and a
// conditional write whose answer was lost is refused when it is sent again, which only this package can tell from a
// refusal by somebody else's write.
package dynamo
