package remote

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"
)

// RefusedError is an answer other than 200. Slug and Line are empty where it is not in
// the words of a provflow server, but a proxy's.
type RefusedError struct {
	Status int
	Wait   time.Duration // for as long as the server asks to wait; 0: it does not
	Slug   string
	Line   int // of the body, from 1; 0 where none is named

	text string
}

// Error implements error.
func (e *RefusedError) Error() string { return e.text }

// mostWords is how much of an error's body is read.
const mostWords = 64 << 10

// Refusal reads an answer other than 200.
func Refusal(res *http.Response) *RefusedError {
	e := &RefusedError{Status: res.StatusCode}
	if s, err := strconv.Atoi(res.Header.Get("Retry-After")); err == nil && s > 0 {
		e.Wait = time.Duration(s) * time.Second
	}
	var said struct {
		Error, Detail string
		Line          int
	}
	text, _ := io.ReadAll(io.LimitReader(res.Body, mostWords)) // what is cut off is nobody's word
	if json.Unmarshal(text, &said) != nil || said.Error == "" {
		e.text = fmt.Sprintf("%s answered %s; is it a provflow server?", res.Request.URL, res.Status)
		return e
	}
	e.Slug, e.Line = said.Error, said.Line
	e.text = fmt.Sprintf("the server answered %s (%s): %s", res.Status, said.Error, said.Detail)
	return e
}
