// Package reports prints, for people at a terminal, what a running server says about the
// time provisions took. It computes nothing: all it shows is in the server's answers.
package reports
