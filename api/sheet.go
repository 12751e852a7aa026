package api

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"mime"
	"net/http"
	"reflect"
	"strconv"
	"strings"
	"time"
)

// sheet is what of an answer is a table: a slice of structs, and the place after it where
// there is more.
type sheet struct {
	name string
	rows any
	next string
}

// show answers with JSON or, to whoever prefers it, with CSV. What comes next is in the
// Link header of both.
func (h *server) show(w http.ResponseWriter, r *http.Request, answer any, s sheet) {
	w.Header().Add("Vary", "Accept")
	w.Header().Set("Cache-Control", "no-cache")
	if s.next != "" {
		q := r.URL.Query()
		q.Set("after", s.next)
		w.Header().Set("Link", fmt.Sprintf(`<?%s>; rel="next"`, q.Encode()))
	}
	if !prefersCSV(r.Header.Values("Accept")) {
		writeJSON(w, http.StatusOK, answer)
		return
	}
	body, err := writeCSV(s.rows)
	if err != nil {
		h.fail(w, r, err)
		return
	}
	w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s.csv"`, s.name))
	_, _ = w.Write(body)
}

// prefersCSV reports whether CSV is asked for by name and nothing that JSON satisfies is
// wanted more.
func prefersCSV(accept []string) bool {
	csv, json := 0.0, 0.0
	for _, part := range strings.Split(strings.Join(accept, ","), ",") {
		media, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		q := 1.0
		if text, given := params["q"]; given {
			if q, err = strconv.ParseFloat(text, 64); err != nil {
				q = 0
			}
		}
		switch media {
		case "text/csv":
			csv = max(csv, q)
		case "application/json":
			json = max(json, q)
		}
	}
	return csv > 0 && csv >= json
}

// writeCSV writes rows as RFC 4180 has it, with the JSON names of their fields as header.
// A map has no place in a table and is left out.
func writeCSV(rows any) ([]byte, error) {
	list := reflect.ValueOf(rows)
	columns := columnsOf(list.Type().Elem(), nil)
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.UseCRLF = true
	record := make([]string, len(columns))
	for i, c := range columns {
		record[i] = c.name
	}
	err := w.Write(record)
	for n := 0; n < list.Len() && err == nil; n++ {
		for i, c := range columns {
			record[i] = cellOf(list.Index(n).FieldByIndex(c.index))
		}
		err = w.Write(record)
	}
	if w.Flush(); err == nil {
		err = w.Error()
	}
	return out.Bytes(), err
}

type csvColumn struct {
	name  string
	index []int
}

func columnsOf(t reflect.Type, outer []int) (columns []csvColumn) {
	for i := range t.NumField() {
		f := t.Field(i)
		index := append(append([]int{}, outer...), i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous:
			columns = append(columns, columnsOf(f.Type, index)...)
		case f.Type.Kind() == reflect.Map:
		default:
			columns = append(columns, csvColumn{name, index})
		}
	}
	return columns
}

// cellOf writes a value. A list is written with spaces between; ids have none.
func cellOf(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return ""
		}
		return cellOf(v.Elem())
	case reflect.String:
		return harmless(v.String())
	case reflect.Slice:
		var words []string
		for i := range v.Len() {
			words = append(words, v.Index(i).String())
		}
		return harmless(strings.Join(words, " "))
	}
	if t, ok := v.Interface().(time.Time); ok {
		return t.Format(time.RFC3339Nano)
	}
	return fmt.Sprint(v.Interface())
}

// harmless keeps a spreadsheet from taking a text for a formula: such a text gets an
// apostrophe in front, as spreadsheets write it themselves. Numbers are not touched.
func harmless(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		return "'" + s
	}
	return s
}
