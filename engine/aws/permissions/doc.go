// Package permissions says what each kind of payonce process may do on AWS, and what the queues and the table look like.
//
// There is one table: a process, an action, a resource, and why. The stack in infra/ turns the same table, written as
// JSON by `go generate`, into one IAM policy per process. A test reads the program's source and fails on a call that
// no process is allowed to make, and on a permission that no call needs.
package permissions

//go:generate go run ./generate ../../../infra/generated
