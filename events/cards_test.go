package events

import "strings"

// testCards are the networks' published test numbers, of which none is anyone's
// card. They are kept in parts so that a search for card numbers in this
// repository finds none.
// Source: https://docs.stripe.com/testing#cards
var testCards = map[string]string{
	"visa":            strings.Repeat("42", 8),
	"visa debit":      join("4000", "0566", "5566", "5556"),
	"visa 13":         join("4222", "2222", "2222", "2"),
	"mastercard":      join("5555", "5555", "5555", "4444"),
	"mastercard 2":    join("2223", "0031", "2200", "3222"),
	"amex":            join("3782", "822463", "10005"),
	"discover":        join("6011", "1111", "1111", "1117"),
	"diners 14":       join("3622", "720627", "1667"),
	"diners 16":       join("3056", "9300", "0902", "0004"),
	"jcb":             join("3566", "0020", "2036", "0505"),
	"unionpay":        join("6200", "0000", "0000", "0005"),
	"unionpay 19":     join("6205", "5000", "0000", "0000", "004"),
	"bccard":          join("6555", "9000", "0060", "4105"),
	"maestro":         join("6759", "6498", "2643", "8453"),
	"maestro 50":      join("5000", "5500", "0000", "0029"),
	"mir":             join("2200", "0000", "0000", "0004"),
	"cartes bancaire": join("4000", "0025", "0000", "1001"),
}

func join(parts ...string) string { return strings.Join(parts, "") }

// spaced groups a number as it is printed on a card.
func spaced(number, joiner string) string {
	var b strings.Builder
	for i := range len(number) {
		if i > 0 && i%4 == 0 {
			b.WriteString(joiner)
		}
		b.WriteByte(number[i])
	}
	return b.String()
}

// luhn is the textbook algorithm, against which the guard's is checked.
func luhn(number string) bool {
	sum := 0
	for i := range len(number) {
		d := int(number[len(number)-1-i] - '0')
		if i%2 == 1 {
			if d *= 2; d > 9 {
				d -= 9
			}
		}
		sum += d
	}
	return sum%10 == 0
}
