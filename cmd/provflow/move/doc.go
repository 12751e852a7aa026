// Package move carries provisions in and out of a running server: the flat files of the
// older store in, and archives both ways.
//
// It speaks HTTP to the server like any other client and knows no database, so that a
// move is as safe as any other write and can be done again.
package move
