// Package db keeps flows in Postgres: the pool, transactions, and the mapping of rows
// and of the database's errors to the vocabulary of package flow.
//
// It knows no rule: what is written is decided by the caller, what is read is given as
// it stands. SQL lives in the queries folder; the code generated from it is internal.
package db
