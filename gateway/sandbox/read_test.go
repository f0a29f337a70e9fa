package sandbox

import (
	"fmt"
	"slices"
	"testing"
	"time"
)

func ids(o object) (out []string) {
	for _, x := range o.at("data").([]any) {
		out = append(out, x.(map[string]any)["id"].(string))
	}
	return out
}

func TestList(t *testing.T) {
	b := newBench(t, Options{})
	start := b.now.Unix()
	var all []string // newest first
	for n := range 7 {
		id := b.intent(fmt.Sprintf("%s&customer=cus_%d", cardOnly, n%2))
		all = append([]string{id}, all...)
		b.now = b.now.Add(time.Second)
	}
	for _, c := range []struct {
		query string
		want  []string
		more  bool
	}{
		{"", all, false},
		{"limit=3", all[:3], true},
		{"limit=7", all, false},
		{"limit=3&starting_after=" + all[2], all[3:6], true},
		{"limit=3&starting_after=" + all[5], all[6:], false},
		{"limit=3&ending_before=" + all[4], all[1:4], true},
		{"limit=10&ending_before=" + all[4], all[:4], false},
		{"customer=cus_1", []string{all[1], all[3], all[5]}, false},
		{"customer=cus_1&limit=2", []string{all[1], all[3]}, true},
		{fmt.Sprintf("created[gte]=%d&created[lte]=%d", start+2, start+4), []string{all[2], all[3], all[4]}, false},
		{fmt.Sprintf("created[gt]=%d&created[lt]=%d", start+2, start+4), []string{all[3]}, false},
		{fmt.Sprintf("created=%d", start), []string{all[6]}, false},
		{fmt.Sprintf("created[gte]=%d", start+100), nil, false},
		{fmt.Sprintf("created[lt]=%d", start), nil, false},
		{fmt.Sprintf("created[gte]=%d&limit=2", start+2), all[:2], true},
	} {
		got := b.want(200, get(create, c.query))
		if !slices.Equal(ids(got), c.want) || got["has_more"] != c.more || got.text("object") != "list" {
			t.Errorf("%s: %v more=%v", c.query, ids(got), got["has_more"])
		}
	}
	for _, bad := range []string{
		"limit=0", "limit=101", "limit=x", "starting_after=pi_none", "created[on]=5", "created[gte]=x", "amount=5",
		"starting_after=" + all[1] + "&ending_before=" + all[2],
	} {
		b.want(400, get(create, bad))
	}
	expanded := b.want(200, get(create, "limit=1&expand[]=data.latest_charge"))
	if expanded.at("data").([]any)[0].(map[string]any)["latest_charge"] != nil {
		t.Error("an unconfirmed intent has no charge")
	}
}

func TestListHasNoLagAndOneOrder(t *testing.T) {
	b := newBench(t, Options{})
	var all []string
	for range 5 { // all in one millisecond
		all = append([]string{b.intent(cardOnly)}, all...)
	}
	var paged []string
	after := ""
	for {
		page := b.want(200, get(create, "limit=2"+after))
		paged = append(paged, ids(page)...)
		if page["has_more"] == false {
			break
		}
		after = "&starting_after=" + paged[len(paged)-1]
	}
	if !slices.Equal(all, paged) {
		t.Errorf("%v\n%v", all, paged)
	}
}

func TestSearchLags(t *testing.T) {
	b := newBench(t, Options{})
	const pay = "metadata['payonce_id']:'pay_00000000000000000000000000000001'"
	id := b.intent(ours)
	b.now = b.now.Add(DefaultSearchLag - time.Millisecond)
	if got := ids(b.want(200, get(create+"/search", "query="+pay))); len(got) != 0 {
		t.Errorf("found too early: %v", got)
	}
	if got := ids(b.want(200, get(create, ""))); len(got) != 1 {
		t.Error("the list lags")
	}
	b.now = b.now.Add(time.Millisecond)
	for _, q := range []string{pay, `metadata["payonce_tenant"]:"t1" AND ` + pay} {
		got := b.want(200, get(create+"/search", "query="+q))
		if !slices.Equal(ids(got), []string{id}) || got.text("object") != "search_result" || got["has_more"] != false {
			t.Errorf("%v", got)
		}
	}
	if got := ids(b.want(200, get(create+"/search", "query=metadata['payonce_id']:'other'"))); len(got) != 0 {
		t.Error(got)
	}
	for _, bad := range []string{
		"", "query=amount>5", "query=metadata['a']", "query=metadata['a]:'b'", "query=metadata['a']:'b", "query=metadata['a']:'b' OR metadata['a']:'c'",
		"query=metadata['a']:'b\\", "query=" + pay + "&page=none",
	} {
		b.want(400, get(create+"/search", bad))
	}
	second := b.intent(ours)
	b.now = b.now.Add(time.Hour)
	first := b.want(200, get(create+"/search", "limit=1&query="+pay))
	if !slices.Equal(ids(first), []string{second}) || first["has_more"] != true {
		t.Fatalf("%v", first)
	}
	next := b.want(200, get(create+"/search", "limit=1&query="+pay+"&page="+first.text("next_page")))
	if !slices.Equal(ids(next), []string{id}) || next["has_more"] != false || next["next_page"] != nil {
		t.Errorf("%v", next)
	}
}

func TestRetrieve(t *testing.T) {
	b := newBench(t, Options{})
	made := b.want(200, post(create, ours+"&confirm=true&payment_method=pm_card_visa", ""))
	id := made.text("id")
	if _, whole := made["latest_charge"].(string); !whole {
		t.Errorf("latest_charge without expand: %v", made["latest_charge"])
	}
	got := b.want(200, get(create+"/"+id, "expand[]=latest_charge&expand[1]=payment_method&client_secret="+made.text("client_secret")))
	if got.text("latest_charge.payment_method_details.card.brand") != "visa" || got.at("latest_charge.payment_method_details.card.exp_month") == nil ||
		got.text("payment_method.id") != "pm_card_visa" {
		t.Errorf("%v", got)
	}
	b.want(400, get(create+"/"+id, "client_secret=wrong"))
	b.want(400, get(create+"/"+id, "expand[]=source"))
}
