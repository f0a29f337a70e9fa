package access

import "errors"

// MaxName is the longest name of a tenant or principal, in bytes.
const MaxName = 64

// ErrName means that the text is no name of a tenant or principal.
var ErrName = errors.New("a name of a tenant or principal is 1 to 64 of a-z, 0-9, '.', '_' and '-', and begins with a letter or digit")

// CheckName checks the grammar of a tenant's or principal's name: [a-z0-9][a-z0-9._-]{0,63}. ErrName.
func CheckName(s string) error {
	if s == "" || len(s) > MaxName {
		return ErrName
	}
	for i := range len(s) {
		c := s[i]
		switch {
		case c >= 'a' && c <= 'z', c >= '0' && c <= '9':
		case i > 0 && (c == '.' || c == '_' || c == '-'):
		default:
			return ErrName
		}
	}
	return nil
}
