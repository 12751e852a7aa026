package tofu

import (
	"bytes"
	"encoding/json"
	"maps"
	"slices"
	"strconv"
	"strings"
)

const sensitiveValue = "<sensitive>"

// outputLines lists outputs as `name = value`, in the order of their names. Unless it is asked
// for, a sensitive one shows no value, whether the tool gave it or not.
func outputLines(outputs map[string]Output, sensitive bool) []string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(outputs)) {
		value := sensitiveValue
		if o := outputs[name]; !o.Sensitive || sensitive {
			value = formatValue(decodeValue(o.Value), "")
		}
		lines = append(lines, name+" = "+value)
	}
	return lines
}

// decodeValue reads any JSON value, its numbers as they are written.
func decodeValue(raw json.RawMessage) (v any) {
	d := json.NewDecoder(bytes.NewReader(raw))
	d.UseNumber()
	_ = d.Decode(&v) // what is no value is null
	return v
}

// formatValue writes a value as the tool does in its own language.
func formatValue(v any, indent string) string {
	switch v := v.(type) {
	case nil:
		return "null"
	case string:
		return formatString(v, indent)
	case json.Number:
		return v.String()
	case bool:
		return strconv.FormatBool(v)
	case []any:
		items := make([]string, len(v))
		for i, e := range v {
			items[i] = formatValue(e, indent+"  ") + ","
		}
		return block("[", items, "]", indent)
	case map[string]any:
		var items []string
		for _, k := range slices.Sorted(maps.Keys(v)) {
			items = append(items, strconv.Quote(k)+" = "+formatValue(v[k], indent+"  "))
		}
		return block("{", items, "}", indent)
	}
	return "null"
}

func formatString(s, indent string) string {
	if !strings.Contains(s, "\n") {
		return strconv.Quote(s)
	}
	return "<<EOT\n" + indent + strings.ReplaceAll(strings.TrimSuffix(s, "\n"), "\n", "\n"+indent) + "\n" + indent + "EOT"
}

func block(open string, items []string, shut, indent string) string {
	if len(items) == 0 {
		return open + shut
	}
	inner := "\n" + indent + "  "
	return open + inner + strings.Join(items, inner) + "\n" + indent + shut
}
