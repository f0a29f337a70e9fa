// Package follow keeps a local mirror of the ledger's table for what a table cannot answer: lists, counts, the feed of
// outcomes, dead letters. It copies the table once, then reads the table's stream, which has every change of an item in
// the order in which it was made, for 24 hours.
//
// The stream, not a queue, since a settled record is its own outcome: the one write that settles a payment publishes it
// as well. Nothing can be settled and not told, and nothing is paid for twice.
//
// How far the mirror has come is stored with what it stored, in one transaction, so that a crash repeats at most what is
// no news. A mirror that was away for longer than the stream goes back copies the table again; of payments that changed
// more than once meanwhile the feed then has only where they are now.
//
// One process follows. AWS asks for at most two readers of a stream, and positions of two mirrors do not compare.
// Source: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Streams.html
package follow
