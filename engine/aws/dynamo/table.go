package dynamo

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// TableAPI is what CreateTable uses of *dynamodb.Client.
type TableAPI interface {
	dynamodb.DescribeTableAPIClient
	CreateTable(context.Context, *dynamodb.CreateTableInput, ...func(*dynamodb.Options)) (*dynamodb.CreateTableOutput, error)
}

// ErrTableExists means that CreateTable found a table of this name.
var ErrTableExists = errors.New("there is a DynamoDB table of this name already")

// tablePatience bounds how long CreateTable waits for a table to become active.
const tablePatience = 5 * time.Minute

// Table is the table as it should be: key pk (binary), the index of what is due (s and u, numbers; keys only), paid by
// request, guarded against deletion. Backups and encryption are for whoever makes it in earnest to add.
func Table(name string) *dynamodb.CreateTableInput {
	attribute := func(name string, kind types.ScalarAttributeType) types.AttributeDefinition {
		return types.AttributeDefinition{AttributeName: &name, AttributeType: kind}
	}
	element := func(name string, kind types.KeyType) types.KeySchemaElement {
		return types.KeySchemaElement{AttributeName: &name, KeyType: kind}
	}
	return &dynamodb.CreateTableInput{
		TableName: &name, BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			attribute(attrPK, types.ScalarAttributeTypeB),
			attribute(attrShard, types.ScalarAttributeTypeN),
			attribute(attrDue, types.ScalarAttributeTypeN),
		},
		KeySchema: []types.KeySchemaElement{element(attrPK, types.KeyTypeHash)},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName:  aws.String(IndexName),
			KeySchema:  []types.KeySchemaElement{element(attrShard, types.KeyTypeHash), element(attrDue, types.KeyTypeRange)},
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		}},
		// What is read by list is read from a mirror, which follows the stream.
		StreamSpecification: &types.StreamSpecification{
			StreamEnabled: aws.Bool(true), StreamViewType: types.StreamViewTypeNewImage,
		},
		DeletionProtectionEnabled: aws.Bool(true),
	}
}

// CreateTable makes the table, unguarded against deletion, and waits until it is active: for stand-ins and tests.
// Installations on AWS have theirs made as code. ErrTableExists.
func CreateTable(ctx context.Context, client TableAPI, name string) error {
	in := Table(name)
	in.DeletionProtectionEnabled = nil
	_, err := client.CreateTable(ctx, in)
	var exists *types.ResourceInUseException
	if errors.As(err, &exists) {
		return fmt.Errorf("%w: %s", ErrTableExists, name)
	}
	if err != nil {
		return fmt.Errorf("creating the table: %w", err)
	}
	// Stand-ins are ready at once, AWS takes some seconds.
	waiter := dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 100*time.Millisecond, 5*time.Second
	})
	if err := waiter.Wait(ctx, &dynamodb.DescribeTableInput{TableName: &name}, tablePatience); err != nil {
		return fmt.Errorf("waiting for the table: %w", err)
	}
	return nil
}

// Differences says in what a live table differs from Table, a sentence each; none if it is as it should be.
func Differences(live *types.TableDescription) []string {
	want := Table(aws.ToString(live.TableName))
	var found []string
	kinds := map[string]types.ScalarAttributeType{}
	for _, a := range live.AttributeDefinitions {
		kinds[aws.ToString(a.AttributeName)] = a.AttributeType
	}
	for _, a := range want.AttributeDefinitions {
		if got := kinds[*a.AttributeName]; got != a.AttributeType {
			found = append(found, fmt.Sprintf("Attribute %s has type %q, not %q: make the table anew.", *a.AttributeName, got, a.AttributeType))
		}
	}
	if !sameKeys(live.KeySchema, want.KeySchema) {
		found = append(found, "The table's key is not the single partition key pk: make the table anew.")
	}
	if live.BillingModeSummary == nil || live.BillingModeSummary.BillingMode != types.BillingModePayPerRequest {
		found = append(found, "The table is not paid by request: switch it to on-demand, or see that its provisioned capacity suffices.")
	}
	if !aws.ToBool(live.DeletionProtectionEnabled) {
		found = append(found, "The table is not protected against deletion: turn the protection on.")
	}
	if s := live.StreamSpecification; s == nil || !aws.ToBool(s.StreamEnabled) ||
		s.StreamViewType != types.StreamViewTypeNewImage && s.StreamViewType != types.StreamViewTypeNewAndOldImages {
		found = append(found, "The table has no stream with new images: turn it on, or lists and the feed stay as they are.")
	}
	return append(found, indexDifferences(live, want.GlobalSecondaryIndexes[0])...)
}

func indexDifferences(live *types.TableDescription, want types.GlobalSecondaryIndex) []string {
	for _, i := range live.GlobalSecondaryIndexes {
		switch {
		case aws.ToString(i.IndexName) != *want.IndexName:
			continue
		case !sameKeys(i.KeySchema, want.KeySchema):
			return []string{"Index " + *want.IndexName + " has other keys than s and u: make the index anew."}
		case i.IndexStatus != "" && i.IndexStatus != types.IndexStatusActive:
			return []string{"Index " + *want.IndexName + " is " + string(i.IndexStatus) + ": wait until it is active."}
		}
		return nil
	}
	return []string{"Index " + *want.IndexName + " is missing: payments that wait would never go on. Create it."}
}

func sameKeys(a, b []types.KeySchemaElement) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if aws.ToString(a[i].AttributeName) != aws.ToString(b[i].AttributeName) || a[i].KeyType != b[i].KeyType {
			return false
		}
	}
	return true
}
