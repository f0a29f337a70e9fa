package sandbox

import (
	"fmt"
	"strconv"
)

// minimumCharge holds Stripe's smallest charge per currency, in minor units
// (https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts). Others that are listed in twoDecimal,
// zeroDecimal or threeDecimal have none but 1.
var minimumCharge = map[string]int64{
	"usd": 50, "aed": 200, "aud": 50, "bgn": 100, "brl": 50, "cad": 50, "chf": 50, "czk": 1500, "dkk": 250, "eur": 50,
	"gbp": 30, "hkd": 400, "huf": 17500, "inr": 50, "jpy": 50, "mxn": 1000, "myr": 200, "nok": 300, "nzd": 50,
	"pln": 200, "ron": 200, "sek": 300, "sgd": 50, "thb": 1000,
}

// The currencies that Stripe presents, by decimals (https://docs.stripe.com/currencies). ISK and UGX have none, yet are
// given with two for old times' sake.
var (
	zeroDecimal = set("bif", "clp", "djf", "gnf", "jpy", "kmf", "krw", "mga", "pyg", "rwf", "vnd", "vuv", "xaf", "xof",
		"xpf")
	threeDecimal = set("bhd", "jod", "kwd", "omr", "tnd")
	hundreds     = set("isk", "ugx")
	twoDecimal   = set("aed", "afn", "all", "amd", "ang", "aoa", "ars", "aud", "awg", "azn", "bam", "bbd", "bdt", "bgn",
		"bmd", "bnd", "bob", "brl", "bsd", "bwp", "byn", "bzd", "cad", "cdf", "chf", "cny", "cop", "crc", "cve", "czk",
		"dkk", "dop", "dzd", "egp", "etb", "eur", "fjd", "fkp", "gbp", "gel", "gip", "gmd", "gtq", "gyd", "hkd", "hnl",
		"htg", "huf", "idr", "ils", "inr", "isk", "jmd", "kes", "kgs", "khr", "kyd", "kzt", "lak", "lbp", "lkr", "lrd",
		"lsl", "mad", "mdl", "mkd", "mmk", "mnt", "mop", "mur", "mvr", "mwk", "mxn", "myr", "mzn", "nad", "ngn", "nio",
		"nok", "npr", "nzd", "pab", "pen", "pgk", "php", "pkr", "pln", "qar", "ron", "rsd", "rub", "sar", "sbd", "scr",
		"sek", "sgd", "shp", "sle", "sos", "srd", "std", "szl", "thb", "tjs", "top", "try", "ttd", "twd", "tzs", "uah",
		"ugx", "usd", "uyu", "uzs", "wst", "xcd", "xcg", "yer", "zar", "zmw")
)

func set(names ...string) map[string]struct{} {
	m := make(map[string]struct{}, len(names))
	for _, n := range names {
		m[n] = struct{}{}
	}
	return m
}

func in(m map[string]struct{}, name string) bool { _, ok := m[name]; return ok }

// maxAmount is Stripe's limit of eight digits (https://docs.stripe.com/api/payment_intents/create#amount).
const maxAmount = 99_999_999

// checkMoney refuses what Stripe refuses. Currency is in lower case.
func checkMoney(amount int64, currency string) *apiError {
	if !in(zeroDecimal, currency) && !in(threeDecimal, currency) && !in(twoDecimal, currency) {
		return invalid("", "currency", "Invalid currency: %s. It is not one of the currencies that Stripe supports.", shown(currency))
	}
	if amount < 1 {
		return invalid("parameter_invalid_integer", "amount", "This value must be greater than or equal to 1.")
	}
	if least := minimumCharge[currency]; amount < least {
		return invalid("amount_too_small", "amount", "Amount must be at least %s %s", decimal(least, currency), currency)
	}
	if amount > maxAmount {
		return invalid("amount_too_large", "amount", "Amount must be no more than %s %s", decimal(maxAmount, currency), currency)
	}
	if in(threeDecimal, currency) && amount%10 != 0 {
		return invalid("parameter_invalid_integer", "amount", "Invalid amount: the last digit must be 0 in %s.", currency)
	}
	if in(hundreds, currency) && amount%100 != 0 {
		return invalid("parameter_invalid_integer", "amount", "Invalid amount: the last two digits must be 00 in %s.", currency)
	}
	return nil
}

func decimal(amount int64, currency string) string {
	switch {
	case in(zeroDecimal, currency):
		return strconv.FormatInt(amount, 10)
	case in(threeDecimal, currency):
		return fmt.Sprintf("%d.%03d", amount/1000, amount%1000)
	default:
		return fmt.Sprintf("%d.%02d", amount/100, amount%100)
	}
}
