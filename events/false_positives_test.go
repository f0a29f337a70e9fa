package events

import (
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// falsePositivesEnv sets how many numbers of each shape are tried.
const falsePositivesEnv = "PAYONCE_FALSE_POSITIVES"

// shape is a usual way to number orders or requests. next gives the i-th
// number of a shop that uses it; none of them is anyone's card number.
type shape struct {
	name string
	next func(r *rand.Rand, i int) string
	// never marks the shapes of which the guard may not catch a single one.
	never bool
}

func shapes() []shape {
	digits := func(r *rand.Rand, n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = '0' + byte(r.IntN(10))
		}
		return string(b)
	}
	pick := func(r *rand.Rand, alphabet string, n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = alphabet[r.IntN(len(alphabet))]
		}
		return string(b)
	}
	raw := func(r *rand.Rand, n int) []byte {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		return b
	}
	day := func(r *rand.Rand, i int) time.Time {
		return time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(i)*61*time.Second + time.Duration(r.IntN(1000))*time.Millisecond)
	}
	newUUID := func(r *rand.Rand) uuid.UUID {
		u := uuid.UUID(raw(r, 16))
		u[6], u[8] = u[6]&0x0f|0x40, u[8]&0x3f|0x80
		return u
	}
	const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	const crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
	out := []shape{
		{"sequence, 6 to 12 digits", func(_ *rand.Rand, i int) string { return strconv.Itoa(100_000 + i*i%899_999_999_999) }, true},
		{"epoch in seconds (10 digits)", func(r *rand.Rand, i int) string { return strconv.FormatInt(day(r, i).Unix(), 10) }, true},
		{"epoch in milliseconds (13 digits)", func(r *rand.Rand, i int) string { return strconv.FormatInt(day(r, i).UnixMilli(), 10) }, true},
		{"epoch in microseconds (16 digits)", func(r *rand.Rand, i int) string { return strconv.FormatInt(day(r, i).UnixMicro(), 10) }, true},
		{"epoch in nanoseconds (19 digits)", func(r *rand.Rand, i int) string {
			return strconv.FormatInt(day(r, i).UnixNano()+int64(r.IntN(1000)), 10)
		}, true},
		{"yyyymmddhhmmss (14 digits)", func(r *rand.Rand, i int) string { return day(r, i).Format("20060102150405") }, true},
		{"yyyymmdd and 8-digit sequence (16 digits)", func(r *rand.Rand, i int) string { return day(r, i).Format("20060102") + fmt.Sprintf("%08d", i) }, true},
		{"yyyy-mm-dd-nnnnnn", func(r *rand.Rand, i int) string { return day(r, i).Format("2006-01-02-") + fmt.Sprintf("%06d", i) }, true},
		{"yyyymmdd-nnnnnn", func(r *rand.Rand, i int) string { return day(r, i).Format("20060102-") + fmt.Sprintf("%06d", i) }, true},
		{"RFC 3339 with nanoseconds", func(r *rand.Rand, i int) string {
			return day(r, i).Add(time.Duration(r.IntN(1e6))).Format(time.RFC3339Nano)
		}, true},
		{"sequence padded with zeros to 16 digits", func(_ *rand.Rand, i int) string { return fmt.Sprintf("%016d", i) }, true},
		{"3-7-7 digits with dashes (17 digits)", func(r *rand.Rand, _ int) string { return digits(r, 3) + "-" + digits(r, 7) + "-" + digits(r, 7) }, false},
		{"EAN-13, prefix 400 to 440 (Germany)", func(r *rand.Rand, _ int) string { return ean13(strconv.Itoa(400+r.IntN(41)) + digits(r, 9)) }, false},
		{"EAN-13, any prefix", func(r *rand.Rand, _ int) string { return ean13(digits(r, 12)) }, false},
		{"random, 13 digits", func(r *rand.Rand, _ int) string { return digits(r, 13) }, false},
		{"random, 15 digits", func(r *rand.Rand, _ int) string { return digits(r, 15) }, false},
		{"random, 16 digits", func(r *rand.Rand, _ int) string { return digits(r, 16) }, false},
		{"random, 18 digits", func(r *rand.Rand, _ int) string { return digits(r, 18) }, false},
		{"snowflake id (18 to 19 digits)", func(r *rand.Rand, i int) string {
			return strconv.FormatUint(uint64(day(r, i).UnixMilli()-1288834974657)<<22|uint64(r.IntN(1<<22)), 10)
		}, true},
		{"ORD- and 10-digit sequence", func(_ *rand.Rand, i int) string { return fmt.Sprintf("ORD-%010d", i) }, true},
		{"ORD- and 16 random digits", func(r *rand.Rand, _ int) string { return "ORD-" + digits(r, 16) }, false},
		{"ORD and 16 random digits, no dash", func(r *rand.Rand, _ int) string { return "ORD" + digits(r, 16) }, true},
		{"IBAN without spaces (DE)", func(r *rand.Rand, _ int) string { return "DE" + digits(r, 20) }, true},
		{"UUID version 4", func(r *rand.Rand, _ int) string { return newUUID(r).String() }, true},
		{"UUID behind a day and a space", func(r *rand.Rand, i int) string { return day(r, i).Format("2006-01-02 ") + newUUID(r).String() }, true},
		{"UUID without dashes", func(r *rand.Rand, _ int) string { return strings.ReplaceAll(newUUID(r).String(), "-", "") }, true},
		{"trace id, 32 hex digits", func(r *rand.Rand, _ int) string { return hex.EncodeToString(raw(r, 16)) }, true},
		{"span id, 16 hex digits", func(r *rand.Rand, _ int) string { return hex.EncodeToString(raw(r, 8)) }, false},
		{"SHA-256 in hex", func(r *rand.Rand, _ int) string { return hex.EncodeToString(raw(r, 32)) }, true},
		{"ULID", func(r *rand.Rand, _ int) string { return "01J" + pick(r, crockford, 23) }, true},
		{"nanoid, 21 characters", func(r *rand.Rand, _ int) string { return pick(r, base62+"_-", 21) }, true},
		{"Stripe id (pm_ and 24 characters)", func(r *rand.Rand, _ int) string { return "pm_1" + pick(r, base62, 23) }, true},
		{"Stripe request id (req_ and 14 characters)", func(r *rand.Rand, _ int) string { return "req_" + pick(r, base62, 14) }, true},
		{"AWS request id", func(r *rand.Rand, _ int) string {
			return "1-" + hex.EncodeToString(raw(r, 4)) + "-" + hex.EncodeToString(raw(r, 12))
		}, true},
	}
	return append(out, shape{"payonce payment id", func(r *rand.Rand, _ int) string { return ID(raw(r, 16)).String() }, true})
}

// ean13 adds the check digit, which is not Luhn's.
func ean13(s string) string {
	sum := 0
	for i := range len(s) {
		sum += int(s[i]-'0') * (1 + 2*(i%2))
	}
	return s + strconv.Itoa((10-sum%10)%10)
}

// TestFalsePositives counts how many numbers that are no card's the guard
// takes for one, and prints the table of docs/card-number-guard.md with -v.
func TestFalsePositives(t *testing.T) {
	n := 20_000
	if s := os.Getenv(falsePositivesEnv); s != "" {
		var err error
		if n, err = strconv.Atoi(s); err != nil {
			t.Fatalf("%s: %v", falsePositivesEnv, err)
		}
	}
	var table strings.Builder
	fmt.Fprintf(&table, "| Shape | Example | Caught of %d |\n|---|---|---|\n", n)
	for at, s := range shapes() {
		r := rand.New(rand.NewPCG(2024, uint64(at)))
		caught, first := 0, ""
		for i := range n {
			number := s.next(r, i)
			if first == "" && !CardNumberInText([]byte(number)) {
				first = number
			}
			// The whole body is judged, as in a request.
			if CardNumberInText([]byte(`{"reference":"` + number + `"}`)) {
				caught++
			}
		}
		fmt.Fprintf(&table, "| %s | `%s` | %d (%.3g %%) |\n", s.name, first, caught, 100*float64(caught)/float64(n))
		if s.never && caught > 0 {
			t.Errorf("%s: %d of %d caught, and it may be none", s.name, caught, n)
		}
	}
	t.Logf("\n%s", table.String())
}
