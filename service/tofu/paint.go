package tofu

// Paint colours text for a terminal, or leaves it as it is.
type Paint bool

func (p Paint) red(s string) string    { return p.sgr("31", s) }
func (p Paint) green(s string) string  { return p.sgr("32", s) }
func (p Paint) yellow(s string) string { return p.sgr("33", s) }
func (p Paint) bold(s string) string   { return p.sgr("1", s) }

func (p Paint) sgr(code, s string) string {
	if !p || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
}
