// Package terminaltest gives tests a terminal: what a program has, and what a person sees of it.
package terminaltest
