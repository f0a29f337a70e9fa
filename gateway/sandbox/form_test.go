package sandbox

import (
	"errors"
	"reflect"
	"strings"
	"testing"
)

func TestParseForm(t *testing.T) {
	for _, c := range []struct {
		in   string
		want Form
	}{
		{"", nil},
		{"a=1&b=2", Form{{"a", nil, "1"}, {"b", nil, "2"}}},
		{"a", Form{{"a", nil, ""}}},
		{"&&a=1&", Form{{"a", nil, "1"}}},
		{"a[b][c]=x+y%21", Form{{"a", []string{"b", "c"}, "x y!"}}},
		{"a%5Bb%5D=1", Form{{"a", []string{"b"}, "1"}}},
		{"a[]=1&a[0]=2", Form{{"a", []string{""}, "1"}, {"a", []string{"0"}, "2"}}},
		{"a=b=c", Form{{"a", nil, "b=c"}}},
		{"a=%E2%98%83", Form{{"a", nil, "☃"}}},
	} {
		got, err := ParseForm(c.in)
		if err != nil || len(got) != len(c.want) || len(got) > 0 && !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %v %v", c.in, got, err)
		}
	}
	for _, in := range []string{
		"=1", "[a]=1", "a[=1", "a]=1", "a[b=1", "a[b]c=1", "a[[b]]=1", "a[b][c][d][e][f][g]=1", "%zz=1", "a=%", "a=%ff", "a=%00",
		strings.Repeat("a=1&", 1001),
	} {
		_, err := ParseForm(in)
		var refused *FormError
		if !errors.Is(err, ErrForm) || !errors.As(err, &refused) {
			t.Errorf("%.40q: %v", in, err)
		}
	}
}

func FuzzParseForm(f *testing.F) {
	for _, s := range []string{"", "a=1&b[c]=2", "expand[]=x&metadata[k%5B]=v", "a[b][]=%E2%98%83+", "=&&%", "a]=1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		form, err := ParseForm(in)
		if err != nil {
			if !errors.Is(err, ErrForm) {
				t.Fatalf("untyped refusal %v", err)
			}
			return
		}
		again, err := ParseForm(form.Encode())
		if err != nil || len(again) != len(form) || len(form) > 0 && !reflect.DeepEqual(form, again) {
			t.Fatalf("round trip: %v %v %v", form, again, err)
		}
		for _, ep := range []endpoint{epCreate, epConfirm, epCancel, epRetrieve, epList, epSearch} {
			if p, bad := parseParams(ep, form); (p == nil) == (bad == nil) && bad == nil {
				t.Fatal("neither parameters nor a refusal")
			}
		}
	})
}
