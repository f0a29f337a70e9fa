package permissions

import (
	"bytes"
	"fmt"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"github.com/payonce/payonce/engine/aws/dynamo"
)

const root = "../../.."

func TestGeneratedFilesAreCurrent(t *testing.T) {
	files, err := Files()
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		path := filepath.Join(root, "infra", "generated", name)
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Errorf("infra/generated/%s is not what the tables say: run go generate ./engine/aws/permissions", name)
		}
	}
}

func TestEveryCallIsAllowedAndEveryPermissionIsCalled(t *testing.T) {
	needed := map[string]string{} // action to where
	local := map[string]bool{}
	for _, c := range program(t, root) {
		action := c.action()
		if action == "" {
			continue
		}
		if standInsOnly()[action] != "" {
			local[action] = true
			continue
		}
		needed[action] = c.at
	}
	for action := range standInsOnly() {
		if !local[action] {
			t.Errorf("%s is said to be for stand-ins only, and nothing in the program does that: remove it from table.go", action)
		}
	}
	for _, complaint := range compare(needed, table()) {
		t.Error(complaint)
	}
}

// compare says what is wrong between the calls of the program and the table, one sentence each, sorted.
func compare(needed map[string]string, allowed map[Process][]Permission) []string {
	var wrong []string
	anyone := map[string]bool{}
	for process, permissions := range allowed {
		for _, p := range permissions {
			anyone[p.Action] = true
			if needed[p.Action] == "" {
				wrong = append(wrong, fmt.Sprintf("%s may %s on %s, and nothing in the program does that: remove the line from table.go and run go generate",
					process, p.Action, p.Resource))
			}
		}
	}
	for action, at := range needed {
		if !anyone[action] {
			wrong = append(wrong, fmt.Sprintf("%s needs %s, and no process may do that: give it in table.go to each process that makes the call and run go generate",
				at, action))
		}
	}
	slices.Sort(wrong)
	return wrong
}

func TestCompareNamesBothMistakes(t *testing.T) {
	got := compare(
		map[string]string{"sqs:SendMessage": "a.go:1", "sqs:PurgeQueue": "b.go:2"},
		map[Process][]Permission{API: {
			{Action: "sqs:SendMessage", Resource: Work},
			{Action: "dynamodb:Scan", Resource: Table},
		}},
	)
	if len(got) != 2 || !strings.HasPrefix(got[0], "api may dynamodb:Scan on table") ||
		!strings.HasPrefix(got[1], "b.go:2 needs sqs:PurgeQueue") {
		t.Fatalf("%q", got)
	}
}

func TestCallsAreSeen(t *testing.T) {
	const head = `package p
import (
	"context"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodbstreams"
	queues "github.com/aws/aws-sdk-go-v2/service/sqs"
)
`
	for name, tt := range map[string]struct {
		source string
		want   []string
	}{
		"direct":        {`func f(c *dynamodb.Client) { c.PutItem(nil, &dynamodb.PutItemInput{}) }`, []string{"dynamodb:PutItem"}},
		"other name":    {`func f(c *queues.Client) { c.DeleteMessageBatch(nil, &queues.DeleteMessageBatchInput{}) }`, []string{"sqs:DeleteMessage"}},
		"variable":      {`func f() { var in queues.ReceiveMessageInput; _ = in }`, []string{"sqs:ReceiveMessage"}},
		"wrapper":       {`func f() { retry(c.Query, &dynamodb.QueryInput{}) }`, []string{"dynamodb:Query"}},
		"paginator":     {`func f() { dynamodb.NewScanPaginator(c, &dynamodb.ScanInput{}) }`, []string{"dynamodb:Scan"}},
		"interface":     {`type api interface { PutItem(context.Context, *dynamodb.PutItemInput) error }`, nil},
		"signature":     {`func send(in *queues.SendMessageInput) {}`, nil},
		"output":        {`func f() { _ = dynamodb.GetItemOutput{} }`, nil},
		"no AWS":        {`type t struct{}; func f() { _ = other.PutItemInput{} }`, nil},
		"transaction":   {`func f() { _ = dynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Put: &types.Put{}}, {ConditionCheck: &types.ConditionCheck{}}}} }`, []string{"dynamodb:PutItem", "dynamodb:ConditionCheckItem"}},
		"stream":        {`func f() { _ = dynamodbstreams.GetRecordsInput{} }`, []string{"dynamodb:GetRecords"}},
		"transact read": {`func f() { _ = dynamodb.TransactGetItemsInput{} }`, []string{"dynamodb:GetItem"}},
	} {
		t.Run(name, func(t *testing.T) {
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, "p.go", head+tt.source, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, c := range calls(files, file) {
				if action := c.action(); action != "" {
					got = append(got, action)
				}
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestTableIsWellFormed(t *testing.T) {
	operations := map[string]bool{"dynamodb:ConditionCheckItem": true} // an action without an operation of its name
	for client, service := range map[reflect.Type]string{
		reflect.TypeFor[*sqs.Client](): "sqs", reflect.TypeFor[*dynamodb.Client](): "dynamodb",
		reflect.TypeFor[*dynamodbstreams.Client](): "dynamodb",
	} {
		for i := range client.NumMethod() {
			operations[service+":"+client.Method(i).Name] = true
		}
	}
	for action, why := range standInsOnly() {
		if !operations[action] || why == "" {
			t.Errorf("%s among the calls to stand-ins is no operation, or has no reason", action)
		}
	}
	for process, permissions := range table() {
		if !slices.Contains(Processes(), process) {
			t.Errorf("%s is not among the kinds of process", process)
		}
		seen := map[string]bool{}
		for _, p := range permissions {
			row := p.Action + " on " + string(p.Resource)
			service, _, _ := strings.Cut(p.Action, ":")
			switch {
			case !operations[p.Action] || strings.HasSuffix(p.Action, "Batch"):
				t.Errorf("%s: %s: no such action", process, row)
			case p.Why == "":
				t.Errorf("%s: %s: no reason", process, row)
			case seen[row]:
				t.Errorf("%s: %s: twice", process, row)
			case (service == "dynamodb") != (p.Resource.Key() == TableKey) || p.Resource.Key() == "":
				t.Errorf("%s: %s: the service has no such resource", process, row)
			}
			seen[row] = true
		}
	}
}

// Opening the engine begins to follow the table: who may not would have a mirror that never catches up.
func TestWhoOpensTheEngineMayFollowTheTable(t *testing.T) {
	for _, process := range []Process{API, Worker, Janitor, Inspector} {
		for action, resource := range map[string]Resource{
			"dynamodb:DescribeTable": Table, "dynamodb:Scan": Table, "dynamodb:DescribeStream": Stream,
			"dynamodb:GetShardIterator": Stream, "dynamodb:GetRecords": Stream, "kms:Decrypt": TableKey,
		} {
			if !slices.ContainsFunc(Allowed(process), func(p Permission) bool {
				return p.Action == action && p.Resource == resource
			}) {
				t.Errorf("%s opens the engine and may not %s on %s", process, action, resource)
			}
		}
	}
}

// A key that a process may not use makes its call fail only on AWS, where no test looks.
func TestKeysFollowResources(t *testing.T) {
	for _, process := range Processes() {
		for _, p := range Allowed(process) {
			for _, action := range keyUse(p.Action) {
				service, _, _ := strings.Cut(p.Action, ":")
				if !slices.ContainsFunc(Allowed(process), func(k Permission) bool {
					return k.Action == action && k.Resource == p.Resource.Key() && k.Via == service
				}) {
					t.Errorf("%s may %s on %s without %s on %s", process, p.Action, p.Resource, action, p.Resource.Key())
				}
			}
			if strings.HasPrefix(p.Action, "kms:") != (p.Via != "") {
				t.Errorf("%s: %s on %s via %q: a key is used only through a service", process, p.Action, p.Resource, p.Via)
			}
		}
	}
}

func TestSettingsHold(t *testing.T) {
	s := Current()
	for kind, q := range s.Queue {
		if s.Names.Queue[kind] == "" {
			t.Errorf("%s has no name", kind)
		}
		// https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
		if q.Visibility < 1 || q.Visibility > 12*3600 || q.Retention < 60 || q.Retention > 14*24*3600 || q.Delay > 900 ||
			q.ReceiveWait < 1 || q.ReceiveWait > 20 || q.MaxMessageBytes < 1024 || q.MaxMessageBytes > 1<<20 {
			t.Errorf("%s is beyond what SQS takes, or polls without waiting: %+v", kind, q)
		}
		dead := strings.HasSuffix(string(kind), "-dlq")
		if dead != (q.DeadLetters == "") || dead != (q.MaxReceives == 0) {
			t.Errorf("%s: dead letters go to %q after %d receives", kind, q.DeadLetters, q.MaxReceives)
		}
		// SQS keeps the time of the first enqueuing: a message may have spent much of its life before it is moved.
		if !dead && s.Queue[q.DeadLetters].Retention < q.Retention {
			t.Errorf("%s keeps messages longer than its dead-letter queue", kind)
		}
		if !dead && s.Alarm[kind] == 0 {
			t.Errorf("%s has no alarm for its oldest message", kind)
		}
	}
	want := TableSettings{
		PartitionKey: Attribute{"pk", "B"}, Index: "due", IndexShard: Attribute{"s", "N"}, IndexDue: Attribute{"u", "N"},
		Projection: "KEYS_ONLY", Stream: "NEW_IMAGE", RecoveryDays: 35,
	}
	if s.Table != want {
		t.Errorf("the table is %+v, want %+v; a table with data cannot change its keys", s.Table, want)
	}
	if in := dynamo.Table("t").StreamSpecification; in != nil && string(in.StreamViewType) != s.Table.Stream {
		t.Errorf("the stream of dynamo.Table holds %q, that of the settings %q", in.StreamViewType, s.Table.Stream)
	}
}
