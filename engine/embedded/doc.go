// Package embedded is the default engine: ledger and work queue in one SQLite file, in one transaction domain.
//
// # Durability
//
// One goroutine writes. It takes whatever waits, up to Config.MaxBatch tasks, commits it as one transaction
// (write-ahead log, synchronous=FULL) and then answers all of its callers: what was answered with nil survives the
// loss of power. A refused Change wrote nothing and leaves its neighbours in the batch untouched.
//
// A commit that fails fails everything in its batch, and nothing of it is visible afterwards. After a failure to
// write or sync the store refuses further writes until it is opened again ([ErrBroken]): what the disk holds is
// then only known by reading it anew (https://wiki.postgresql.org/wiki/Fsync_Errors). A full disk is no such
// failure: writes go on once there is room.
//
// # The queue
//
// Only one process writes, so which deliveries are out, and until when, is kept in its memory; after a restart
// everything that was not deleted is visible at once. Receive counts are written before a message is handed out
// that was delivered before or was there when the store was opened, so a message that kills its reader each time is
// still caught; the first delivery in the process that enqueued it costs no write.
// Of many waiting messages only some thousands are in memory.
//
// # The log
//
// Pages are 1 KiB, to keep down what one payment writes. Passive checkpoints run beside the writer. The writer starts
// the log over once it has passed 64 MiB; a reader in the way delays that but never the writer. Reads are bounded to
// a second each.
//
// # The folder
//
//	payonce.db      the file, with -wal and -shm beside it while it is open
//	payonce.lock    held by the one writing process
//
// The lock covers writing; [OpenReader] reads beside it. Copying payonce.db alone is no backup: use [Store.Backup].
package embedded
