// Package simulation runs payonce against a Stripe that misbehaves, from one goroutine and one seed.
//
// A World holds an engine, the sandbox's Stripe, a few processes with tasks under way, and apps that submit, repeat,
// pay again and call off. A scheduler draws, from the seed, what happens next: one effect of one task, a crash of a
// process between two effects, an hour passing, an answer lost, a key forgotten, Stripe down. When the draws are used
// up the world heals, works until nothing moves, and Verify holds the promises against the sandbox's own count:
// at most one charge per payment and per purchase, nothing acknowledged lost, no charge on what was refused or is
// negatively final, every outcome published, every history intact.
//
// The same seed gives the same run; Result.Digest is a hash over all that happened.
package simulation
