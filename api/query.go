package api

import (
	"net/http"
	"net/url"
	"reflect"
	"sync"

	"github.com/openova-io/provflow/service/flow"
)

// queryParam is a parameter of a call's query.
type queryParam struct {
	name   string
	many   bool // it may be given more than once
	filled bool // it may not be empty
}

// queryOf gives each route's parameters, from the same forms as the description.
var queryOf = sync.OnceValue(func() map[string][]queryParam {
	of := map[string][]queryParam{}
	for _, op := range operations() {
		if op.parameters != nil {
			of[op.method+" "+op.path] = queryParams(reflect.TypeOf(op.parameters))
		}
	}
	return of
})

func queryParams(form reflect.Type) (params []queryParam) {
	for _, f := range reflect.VisibleFields(form) {
		if name := f.Tag.Get("query"); name != "" {
			params = append(params, queryParam{name, f.Type.Kind() == reflect.Slice, f.Tag.Get("minLength") != ""})
		}
	}
	return params
}

// checkQuery refuses a query of which a part would be passed over in silence: one that is not
// well escaped, a parameter that is given twice where one holds, or one that is empty
// where the client must have meant something. What is not of this call says nothing, as an
// unknown field of a body.
func checkQuery(r *http.Request, route string) error {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return flow.Invalidf("invalid-query", "the query is not well escaped: %v", err)
	}
	for _, p := range queryOf()[route] {
		switch given := q[p.name]; {
		case len(given) > 1 && !p.many:
			return flow.Invalidf("invalid-query", "%s is given %d times; give it once", p.name, len(given))
		case p.filled && len(given) > 0 && given[0] == "":
			return flow.Invalidf("invalid-query", "%s is empty; give it a value or leave it out", p.name)
		}
	}
	return nil
}
