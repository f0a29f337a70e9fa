package client_test

import (
	"context"
	"errors"
	"fmt"

	"github.com/payonce/payonce/client"
)

func Example() {
	house := open() // stands in for an installation
	defer house.Close()
	ctx := context.Background()

	c, err := client.New(house.URL, house.Key)
	if err != nil {
		fmt.Println(err)
		return
	}
	request := client.PaymentRequest{
		Amount: 1000, Currency: "EUR", PaymentMethod: "pm_card_visa", Reference: "order-A1047",
	}
	p, err := c.Submit(ctx, "checkout-7d1c", request)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(p.State, p.Amount, p.Currency)

	// The same call again, after a crash for example, meets the same payment.
	again, err := c.Submit(ctx, "checkout-7d1c", request)
	fmt.Println(again.ID == p.ID, err)
	// Output:
	// accepted 1000 EUR
	// true <nil>
}

func ExampleClient_Submit_refused() {
	house := open()
	defer house.Close()
	ctx := context.Background()
	c, err := client.New(house.URL, house.Key)
	if err != nil {
		fmt.Println(err)
		return
	}
	order := client.PaymentRequest{Amount: 1000, Currency: "EUR", PaymentMethod: "pm_card_visa", Reference: "order-A1047"}
	if _, err := c.Submit(ctx, "first", order); err != nil {
		fmt.Println(err)
		return
	}
	_, err = c.Submit(ctx, "second", order)

	var problem *client.Problem
	switch {
	case errors.As(err, &problem) && problem.Code == client.CodeReferenceHeld:
		fmt.Println("the order has a payment already, which is", problem.Holder.State)
	case errors.Is(err, client.ErrUndecided):
		fmt.Println("call again with the same key")
	}
	// Output:
	// the order has a payment already, which is accepted
}

func ExampleClient_List() {
	house := open()
	defer house.Close()
	ctx := context.Background()
	c, err := client.New(house.URL, house.Key)
	if err != nil {
		fmt.Println(err)
		return
	}
	for i := range 3 {
		_, err := c.Submit(ctx, fmt.Sprintf("key-%d", i), client.PaymentRequest{
			Amount: int64(100 * (i + 1)), Currency: "EUR", PaymentMethod: "pm_card_visa",
		})
		if err != nil {
			fmt.Println(err)
			return
		}
	}
	for p, err := range c.List(ctx, client.Filter{State: client.StateAccepted, PageSize: 2}) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(p.Amount, p.State)
	}
	// Output:
	// 300 accepted
	// 200 accepted
	// 100 accepted
}

func ExampleClient_Feed() {
	house := open()
	defer house.Close()
	ctx := context.Background()
	c, err := client.New(house.URL, house.Key)
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := c.Submit(ctx, "k", client.PaymentRequest{Amount: 1000, Currency: "EUR", PaymentMethod: "pm_card_visa"})
	if err != nil {
		fmt.Println(err)
		return
	}
	house.Succeed(p.ID)

	position := "" // read from where you keep it
	for piece, err := range c.Feed(ctx, position) {
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, event := range piece.Events {
			fmt.Println(event.Type, event.Data.AmountCaptured)
		}
		position = piece.Next // store it together with what the events meant
		break
	}
	fmt.Println("go on from", position)
	// Output:
	// payonce.payment.succeeded 1000
	// go on from 1-1
}

func ExampleClient_Watch() {
	house := open()
	defer house.Close()
	ctx := context.Background()
	c, err := client.New(house.URL, house.Key)
	if err != nil {
		fmt.Println(err)
		return
	}
	p, err := c.Submit(ctx, "k", client.PaymentRequest{Amount: 1000, Currency: "EUR", PaymentMethod: "pm_card_visa"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for p, err := range c.Watch(ctx, p.ID) {
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(p.State)
		if p.State == client.StateAccepted {
			house.Succeed(p.ID) // a worker would
		}
	}
	// Output:
	// accepted
	// succeeded
}
