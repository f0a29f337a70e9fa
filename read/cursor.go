package read

// Cursor says where a page ended. The engine that made it is the only one that can read it; to everybody else it is a
// short text of letters, digits, '-' and '_'. Empty: the start.
type Cursor string

// MaxCursor is the length of the longest cursor, in bytes.
const MaxCursor = 64

// ParseCursor checks the grammar of a cursor that came from outside. ErrCursor.
func ParseCursor(s string) (Cursor, error) {
	if len(s) > MaxCursor {
		return "", ErrCursor
	}
	for i := range len(s) {
		c := s[i]
		if c-'0' >= 10 && c|0x20-'a' >= 26 && c != '-' && c != '_' {
			return "", ErrCursor
		}
	}
	return Cursor(s), nil
}
