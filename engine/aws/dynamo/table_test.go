package dynamo

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

func TestDifferences(t *testing.T) {
	live := func() *types.TableDescription {
		want := Table("t")
		i := want.GlobalSecondaryIndexes[0]
		return &types.TableDescription{
			TableName: want.TableName, AttributeDefinitions: want.AttributeDefinitions, KeySchema: want.KeySchema,
			BillingModeSummary:        &types.BillingModeSummary{BillingMode: want.BillingMode},
			DeletionProtectionEnabled: want.DeletionProtectionEnabled,
			StreamSpecification:       want.StreamSpecification,
			GlobalSecondaryIndexes: []types.GlobalSecondaryIndexDescription{{
				IndexName: i.IndexName, KeySchema: i.KeySchema, Projection: i.Projection, IndexStatus: types.IndexStatusActive,
			}},
		}
	}
	if got := Differences(live()); len(got) != 0 {
		t.Errorf("of the table as it should be: %q", got)
	}
	for name, edit := range map[string]func(d *types.TableDescription){
		"type":        func(d *types.TableDescription) { d.AttributeDefinitions[0].AttributeType = "S" },
		"key":         func(d *types.TableDescription) { d.KeySchema[0].AttributeName = aws.String("id") },
		"long key":    func(d *types.TableDescription) { d.KeySchema = append(d.KeySchema, d.KeySchema[0]) },
		"billing":     func(d *types.TableDescription) { d.BillingModeSummary = nil },
		"unprotected": func(d *types.TableDescription) { d.DeletionProtectionEnabled = nil },
		"no stream":   func(d *types.TableDescription) { d.StreamSpecification = nil },
		"old images": func(d *types.TableDescription) {
			d.StreamSpecification = &types.StreamSpecification{StreamEnabled: aws.Bool(true), StreamViewType: "OLD_IMAGE"}
		},
		"no index":     func(d *types.TableDescription) { d.GlobalSecondaryIndexes = nil },
		"other index":  func(d *types.TableDescription) { d.GlobalSecondaryIndexes[0].IndexName = aws.String("x") },
		"index keys":   func(d *types.TableDescription) { d.GlobalSecondaryIndexes[0].KeySchema = nil },
		"index status": func(d *types.TableDescription) { d.GlobalSecondaryIndexes[0].IndexStatus = "CREATING" },
	} {
		d := live()
		edit(d)
		if got := Differences(d); len(got) != 1 {
			t.Errorf("%s: %q", name, got)
		}
	}
}
