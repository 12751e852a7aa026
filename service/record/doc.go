// Package record is the write side: it gathers what arrives for flows while transactions
// run, applies it to each flow's graph under the flow's lock, and has it stored in one
// transaction. Flows share one where that costs none of them anything; no two transactions
// of one flow run at a time.
//
// It decides nothing about jobs (package bridge does) and knows no database. A caller
// is answered only after its observations are durable; its going away cancels nothing.
//
// The graph of a flow stays in memory between transactions. It is proven current by
// the version read under the lock, and what another replica wrote meanwhile is read
// with it; after any failure it is thrown away and read afresh.
package record
