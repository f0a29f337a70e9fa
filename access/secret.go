package access

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/big"
	"time"
)

// The form of a secret: a prefix that scanners for leaked secrets can look for, 256 random bits, and a checksum, so
// that a mistyped or invented one is refused without asking the store.
const (
	prefix      = "po_"
	randomBytes = 32
	randomChars = 43 // 62^43 > 2^256
	sumChars    = 6  // 62^6 > 2^32
	hintChars   = 4
	keyIDPrefix = "key_"
	keyIDBytes  = 8

	// SecretLen is the length of every secret, in bytes.
	SecretLen = len(prefix) + randomChars + sumChars
)

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// Errors of New and Parse.
var (
	// ErrRole: the role is none of the roles.
	ErrRole = errors.New(`a role is "producer" or "admin"`)
	// ErrSecret: the text is no API key of this program. The error never holds the text.
	ErrSecret = errors.New("an API key is po_ followed by 49 letters and digits")
)

// New makes a key for a principal of a tenant and the secret that opens it. The secret is in no other place: show it
// once. rand must be cryptographic (crypto/rand.Reader) outside tests.
// Errors: ErrName, ErrRole, or rand's.
func New(tenant, principal string, role Role, rand io.Reader, now time.Time) (Key, string, error) {
	if err := CheckName(tenant); err != nil {
		return Key{}, "", fmt.Errorf("tenant: %w", err)
	}
	if err := CheckName(principal); err != nil {
		return Key{}, "", fmt.Errorf("principal: %w", err)
	}
	if !role.Valid() {
		return Key{}, "", ErrRole
	}
	var b [randomBytes + keyIDBytes]byte
	if _, err := io.ReadFull(rand, b[:]); err != nil {
		return Key{}, "", fmt.Errorf("drawing a key: %w", err)
	}
	secret := encode(b[:randomBytes])
	return Key{
		ID:     keyIDPrefix + hex.EncodeToString(b[randomBytes:]),
		Hash:   Hash(secret),
		Tenant: tenant, Principal: principal, Role: role,
		Created: now.UTC().Truncate(time.Millisecond),
		Hint:    secret[SecretLen-hintChars:],
	}, secret, nil
}

// Hash is what is stored of a secret.
func Hash(secret string) [32]byte { return sha256.Sum256([]byte(secret)) }

// Parse checks the form and the checksum of a secret; it does not say whether the key exists. ErrSecret.
func Parse(secret string) error {
	if len(secret) != SecretLen || secret[:len(prefix)] != prefix {
		return ErrSecret
	}
	for i := len(prefix); i < SecretLen; i++ {
		c := secret[i]
		if c-'0' >= 10 && c|0x20-'a' >= 26 {
			return ErrSecret
		}
	}
	body := secret[:SecretLen-sumChars]
	if secret[SecretLen-sumChars:] != checksum(body) {
		return ErrSecret
	}
	return nil
}

func encode(random []byte) string {
	body := prefix + digits(random, randomChars)
	return body + checksum(body)
}

func checksum(body string) string {
	var b [sumChars]byte
	n := crc32.ChecksumIEEE([]byte(body))
	for i := len(b) - 1; i >= 0; i-- {
		b[i] = base62[n%62]
		n /= 62
	}
	return string(b[:])
}

// digits writes a number, given as big-endian bytes, in base 62, padded to width.
func digits(number []byte, width int) string {
	b := make([]byte, width)
	n, base, rest := new(big.Int).SetBytes(number), big.NewInt(62), new(big.Int)
	for i := width - 1; i >= 0; i-- {
		n.DivMod(n, base, rest)
		b[i] = base62[rest.Int64()]
	}
	return string(b)
}
