package idempotency

import (
	"crypto/sha256"
	"encoding/hex"
	"strconv"

	"github.com/payonce/payonce/events"
)

// attemptKey is the Idempotency-Key of an attempt: the operation and the number of the attempt, nothing else, so
// that every process derives the same one. The operation's id already stands for installation, tenant and key.
func attemptKey(id events.ID, number int) string {
	return "payonce-" + hex.EncodeToString(id[:]) + "-" + strconv.Itoa(number)
}

// createKey is the Idempotency-Key of the unconfirmed create. It is stable for the bytes that are sent: a newer
// payonce that encodes the form otherwise asks for another intent instead of meeting a drift error, and after a
// stored 500 (which Stripe would replay for a day) the next round asks anew. A spare unconfirmed intent is
// harmless: only the id that the claim stored is ever confirmed (rule 4).
func createKey(r Record, form []byte) string {
	sum := sha256.Sum256(form)
	return "payonce-" + hex.EncodeToString(r.ID[:]) + "-create-" + hex.EncodeToString(sum[:4]) + "-" + strconv.Itoa(r.Creates)
}

// token names the purchase at Stripe: not the reference itself, which may be anything.
func (r *Record) token() string {
	return events.ReferenceToken(r.Tenant, r.Reference)
}
