package sandbox

import "strconv"

// appendJSON writes a charge as API version 2023-10-16 has it.
func (c *charge) appendJSON(b []byte, pi *intent) []byte {
	paid := c.Refused == nil
	b = append(b, `{"id":`...)
	b = appendText(b, c.ID)
	b = append(b, `,"object":"charge","amount":`...)
	b = strconv.AppendInt(b, c.Amount, 10)
	b = append(b, `,"amount_captured":`...)
	if paid {
		b = strconv.AppendInt(b, c.Amount, 10)
	} else {
		b = append(b, '0')
	}
	b = append(b, `,"amount_refunded":0,"application":null,"application_fee":null,"application_fee_amount":null,"balance_transaction":`...)
	if paid {
		b = appendText(b, "txn_"+c.ID[len("ch_"):])
	} else {
		b = append(b, "null"...)
	}
	b = append(b, `,"billing_details":{"address":{"city":null,"country":null,"line1":null,"line2":null,"postal_code":null,"state":null},`+
		`"email":null,"name":null,"phone":null},"calculated_statement_descriptor":"PAYONCE SANDBOX","captured":`...)
	b = strconv.AppendBool(b, paid)
	b = append(b, `,"created":`...)
	b = strconv.AppendInt(b, c.Created/1000, 10)
	b = append(b, `,"currency":`...)
	b = appendText(b, c.Currency)
	b = append(b, `,"customer":`...)
	b = appendOptional(b, pi.Customer)
	b = append(b, `,"description":`...)
	b = appendOptional(b, pi.Description)
	b = append(b, `,"disputed":false,"failure_balance_transaction":null,"failure_code":`...)
	if paid {
		b = append(b, `null,"failure_message":null`...)
	} else {
		b = appendText(b, c.Refused.Code)
		b = append(b, `,"failure_message":`...)
		b = appendText(b, c.Refused.Message)
	}
	b = append(b, `,"fraud_details":{},"invoice":null,"livemode":false,"metadata":`...)
	b = appendMetadata(b, c.Metadata)
	b = append(b, `,"on_behalf_of":null,"outcome":`...)
	b = c.appendOutcome(b)
	b = append(b, `,"paid":`...)
	b = strconv.AppendBool(b, paid)
	b = append(b, `,"payment_intent":`...)
	b = appendText(b, c.Intent)
	b = append(b, `,"payment_method":`...)
	b = appendText(b, c.Method)
	b = append(b, `,"payment_method_details":`...)
	b = appendDetails(b, c)
	b = append(b, `,"receipt_email":`...)
	b = appendOptional(b, pi.Email)
	b = append(b, `,"receipt_number":null,"receipt_url":null,"refunded":false,"review":null,"shipping":null,"source":null,`+
		`"source_transfer":null,"statement_descriptor":`...)
	b = appendOptional(b, pi.Descriptor)
	b = append(b, `,"statement_descriptor_suffix":`...)
	b = appendOptional(b, pi.Suffix)
	if paid {
		b = append(b, `,"status":"succeeded"`...)
	} else {
		b = append(b, `,"status":"failed"`...)
	}
	return append(b, `,"transfer_data":null,"transfer_group":null}`...)
}

func (c *charge) appendOutcome(b []byte) []byte {
	switch {
	case c.Refused == nil:
		return append(b, `{"network_status":"approved_by_network","reason":null,"risk_level":"normal","risk_score":12,`+
			`"seller_message":"Payment complete.","type":"authorized"}`...)
	case c.Refused.Blocked:
		return append(b, `{"network_status":"not_sent_to_network","reason":"highest_risk_level","risk_level":"highest","risk_score":99,`+
			`"seller_message":"Stripe blocked this payment as too risky.","type":"blocked"}`...)
	default:
		b = append(b, `{"network_status":"declined_by_network","reason":`...)
		b = appendText(b, c.Refused.DeclineCode)
		return append(b, `,"risk_level":"normal","risk_score":12,"seller_message":"The bank did not return any further details with this decline.",`+
			`"type":"issuer_declined"}`...)
	}
}

func appendDetails(b []byte, c *charge) []byte {
	m := describe(c.Method)
	if m.Type != "card" {
		b = append(b, `{"type":"us_bank_account","us_bank_account":{"account_holder_type":"individual","account_type":"checking","bank_name":`...)
		b = appendText(b, m.Brand)
		b = append(b, `,"fingerprint":null,"last4":`...)
		b = appendText(b, m.Last4)
		return append(b, `,"routing_number":"110000000"}}`...)
	}
	b = append(b, `{"card":{"amount_authorized":`...)
	b = strconv.AppendInt(b, c.Amount, 10)
	b = append(b, `,"brand":`...)
	b = appendText(b, m.Brand)
	b = append(b, `,"checks":{"address_line1_check":null,"address_postal_code_check":null,"cvc_check":"pass"},"country":"US",`+
		`"exp_month":12,"exp_year":2034,"fingerprint":"payoncesandbox00","funding":"credit","installments":null,"last4":`...)
	b = appendText(b, m.Last4)
	b = append(b, `,"mandate":null,"network":`...)
	b = appendText(b, m.Brand)
	return append(b, `,"three_d_secure":null,"wallet":null},"type":"card"}`...)
}

// appendMethod writes a payment method. pi may be nil: then the customer is not known.
func appendMethod(b []byte, id string, pi *intent) []byte {
	m := describe(id)
	created, customer := int64(0), ""
	if pi != nil {
		created, customer = pi.Created, pi.Customer
	}
	b = append(b, `{"id":`...)
	b = appendText(b, id)
	b = append(b, `,"object":"payment_method","billing_details":{"address":{"city":null,"country":null,"line1":null,"line2":null,`+
		`"postal_code":null,"state":null},"email":null,"name":null,"phone":null},`...)
	if m.Type == "card" {
		b = append(b, `"card":{"brand":`...)
		b = appendText(b, m.Brand)
		b = append(b, `,"checks":{"address_line1_check":null,"address_postal_code_check":null,"cvc_check":"pass"},"country":"US",`+
			`"exp_month":12,"exp_year":2034,"fingerprint":"payoncesandbox00","funding":"credit","generated_from":null,"last4":`...)
		b = appendText(b, m.Last4)
		b = append(b, `,"networks":{"available":[`...)
		b = appendText(b, m.Brand)
		b = append(b, `],"preferred":null},"three_d_secure_usage":{"supported":true},"wallet":null},`...)
	}
	b = append(b, `"created":`...)
	b = strconv.AppendInt(b, created/1000, 10)
	b = append(b, `,"customer":`...)
	b = appendOptional(b, customer)
	b = append(b, `,"livemode":false,"metadata":{},"type":`...)
	b = appendText(b, m.Type)
	if m.Type == "us_bank_account" {
		b = append(b, `,"us_bank_account":{"account_holder_type":"individual","account_type":"checking","bank_name":`...)
		b = appendText(b, m.Brand)
		b = append(b, `,"financial_connections_account":null,"fingerprint":null,"last4":`...)
		b = appendText(b, m.Last4)
		b = append(b, `,"networks":null,"routing_number":"110000000","status_details":null}`...)
	}
	return append(b, '}')
}
