package api

import (
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/swaggest/jsonschema-go"
)

// The ways to show who calls, as the description names them.
const (
	bearerSecurity = "token"
	cookieSecurity = "session"
)

// formOptions has the library say of every form what is true of the JSON: what is written
// always is required, and lists and texts are never null.
func formOptions() []func(*jsonschema.ReflectContext) {
	return []func(*jsonschema.ReflectContext){
		jsonschema.InterceptProp(func(p jsonschema.InterceptPropParams) error {
			if p.Processed && alwaysThere(p.Field) && !slices.Contains(p.ParentSchema.Required, p.Name) {
				p.ParentSchema.Required = append(p.ParentSchema.Required, p.Name)
			}
			return nil
		}),
		jsonschema.InterceptNullability(func(p jsonschema.InterceptNullabilityParams) {
			asked := p.NullAdded && p.OmitEmpty // by a tag of the field
			if !asked && p.Schema.HasType(jsonschema.Null) {
				p.Schema.RemoveType(jsonschema.Null)
			}
		}),
	}
}

// alwaysThere reports a field that JSON has whatever its value; a parameter is none.
func alwaysThere(f reflect.StructField) bool {
	name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
	return name != "" && name != "-" && !strings.Contains(options, "omit")
}

// security is how a call shows who sends it; nil where nobody need be known. Only a token makes
// a session.
func (op operation) security() []string {
	rule, guarded := rules[op.method+" "+op.path]
	switch {
	case !guarded || rule.open:
		return nil
	case rule.target == theCaller:
		return []string{bearerSecurity}
	}
	return []string{bearerSecurity, cookieSecurity}
}

// refusals are the answers that stand before every handler: they follow from what the route
// asks of its caller.
func (op operation) refusals() []presented {
	rule, guarded := rules[op.method+" "+op.path]
	if !guarded {
		return nil
	}
	statuses := []int{http.StatusForbidden, http.StatusTooManyRequests}
	if !rule.open {
		statuses = append(statuses, http.StatusUnauthorized)
	}
	if rule.target >= aFlow { // another's is not there
		statuses = append(statuses, http.StatusNotFound)
	}
	if op.body.form != nil {
		statuses = append(statuses, http.StatusRequestTimeout)
	}
	var more []presented
	for _, status := range statuses {
		if !slices.ContainsFunc(op.answers, func(a presented) bool { return a.status == status }) {
			more = append(more, bad(status))
		}
	}
	return more
}
