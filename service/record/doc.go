// Package record is the write side: it gathers what arrives for a flow while a
// transaction of that flow runs, applies it to the flow's graph under the flow's lock,
// and has it stored in one transaction.
//
// It decides nothing about jobs (package bridge does) and knows no database. A caller
// is answered only after its observations are durable; its going away cancels nothing.
//
// The graph of a flow stays in memory between transactions. It is proven current by
// the version read under the lock, and what another replica wrote meanwhile is read
// with it; after any failure it is thrown away and read afresh.
package record
