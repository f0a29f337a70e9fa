package dynamo

import (
	"context"
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/payonce/payonce/engine"
)

// Account is the Stripe account that the payments of this table are made in; false if none was kept yet.
func (l *Ledger) Account(ctx context.Context) (engine.Account, bool, error) {
	it, err := l.metaItem(ctx)
	if errors.Is(err, ErrNoInstallation) || err == nil && it[attrLive] == nil {
		return engine.Account{}, false, nil
	}
	if err != nil {
		return engine.Account{}, false, err
	}
	live, ok := it[attrLive].(*types.AttributeValueMemberBOOL)
	id, named := it[attrAccount].(*types.AttributeValueMemberS)
	if !ok || !named && it[attrAccount] != nil {
		return engine.Account{}, false, fmt.Errorf("%w: the Stripe account cannot be read", ErrCorrupt)
	}
	a := engine.Account{Live: live.Value}
	if named {
		a.ID = id.Value
	}
	return a, true, nil
}

// KeepAccount notes where the payments of this table are made. An id may be added to a mode; what is kept is never
// changed: then it is engine.ErrAccount. ErrNoInstallation before the first Boot.
func (l *Ledger) KeepAccount(ctx context.Context, a engine.Account) error {
	in := &dynamodb.UpdateItemInput{
		TableName: &l.config.Table, Key: item{attrPK: binary(key(kindMeta))},
		UpdateExpression:          aws.String("SET l = :l"),
		ConditionExpression:       aws.String("attribute_exists(d) AND (attribute_not_exists(l) OR l = :l)"),
		ExpressionAttributeValues: item{":l": &types.AttributeValueMemberBOOL{Value: a.Live}},

		ReturnValuesOnConditionCheckFailure: oldItem,
	}
	if a.ID != "" {
		in.UpdateExpression = aws.String("SET l = :l, a = :a")
		in.ConditionExpression = aws.String(*in.ConditionExpression + " AND (attribute_not_exists(a) OR a = :a)")
		in.ExpressionAttributeValues[":a"] = &types.AttributeValueMemberS{Value: a.ID}
	}
	_, err := l.try(ctx, "keeping the Stripe account", func(ctx context.Context) error {
		_, err := l.config.Client.UpdateItem(ctx, in, once)
		return err
	})
	var refused *types.ConditionalCheckFailedException
	switch {
	case !errors.As(err, &refused):
		return err
	case refused.Item[attrData] == nil:
		return ErrNoInstallation
	}
	return engine.ErrAccount
}
