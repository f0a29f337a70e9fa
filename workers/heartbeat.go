package workers

import (
	"context"
	"log/slog"
	"time"

	"github.com/payonce/payonce/queue"
)

// heartbeat keeps the messages in hand hidden while they are worked on. A receipt that turns out stale is left to
// its task: the record's fence, not the message, decides who may settle.
func (p *Pool) heartbeat(ctx context.Context) {
	tick := time.NewTicker(p.c.Visibility / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		p.extend(ctx)
	}
}

func (p *Pool) extend(ctx context.Context) {
	p.mu.Lock()
	all := make([]queue.Receipt, 0, len(p.hand))
	for r := range p.hand {
		all = append(all, r)
	}
	p.mu.Unlock()
	for len(all) > 0 {
		batch := all[:min(len(all), queue.MaxBatch)]
		all = all[len(batch):]
		if _, err := p.c.Queue.Extend(ctx, batch, p.c.Visibility); err != nil && ctx.Err() == nil {
			p.c.Logger.Warn("heartbeat failed", slog.String("error", err.Error()))
		}
	}
}
