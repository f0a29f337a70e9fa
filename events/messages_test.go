package events

import (
	"os"
	"strings"
	"sync"
)

// source is the text of the files that write messages.
var source = sync.OnceValue(func() string {
	var all strings.Builder
	for _, name := range []string{"decode.go", "refuse.go", "validate.go", "guard.go"} {
		text, err := os.ReadFile(name)
		if err != nil {
			panic(err)
		}
		all.Write(text)
	}
	return all.String()
})

// knownMessage reports whether message is put together from strings of the
// source, so that nothing of a body can be in it.
func knownMessage(message string) bool {
	for _, known := range members {
		if message == "write the member in lower case: "+known {
			return true
		}
	}
	for _, prefix := range []string{"pm_", "cus_"} {
		if message == "give a Stripe id that begins with "+prefix ||
			message == "a Stripe id has only letters, digits and underscores behind "+prefix {
			return true
		}
	}
	message = strings.TrimSuffix(message, ", not null; leave the member out if there is none")
	for _, part := range strings.Split(message, ": ") {
		if !strings.Contains(source(), part) {
			return false
		}
	}
	return true
}
