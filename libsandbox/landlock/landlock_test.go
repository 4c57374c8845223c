// Tests of the landlock package; the enforcement runs in copies of the test program.

package landlock

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMain is, in a child of enforce, the program that restricts itself and tries things out.
func TestMain(m *testing.M) {
	if tries := os.Getenv("LANDLOCK_TRY"); tries != "" {
		runtime.LockOSThread()
		if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
			fmt.Println(err)
			os.Exit(2)
		}
		if _, _, e := unix.Syscall(unix.SYS_LANDLOCK_RESTRICT_SELF, 3, 0, 0); e != 0 {
			fmt.Println("restrict_self", e)
			os.Exit(2)
		}
		for _, t := range strings.Split(tries, "\n") {
			what, arg, _ := strings.Cut(t, " ")
			fmt.Printf("%s: %s\n", t, outcome(try(what, arg)))
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func outcome(err error) string {
	switch {
	case err == nil:
		return "ok"
	case errors.Is(err, unix.EACCES):
		return "EACCES"
	case errors.Is(err, unix.EPERM):
		return "EPERM"
	}
	return err.Error()
}

// try uses raw system calls: the restriction is on this thread only.
func try(what, arg string) error {
	switch what {
	case "read":
		return opened(arg, unix.O_RDONLY)
	case "write":
		return opened(arg, unix.O_WRONLY)
	case "create":
		return opened(arg, unix.O_WRONLY|unix.O_CREAT|unix.O_EXCL)
	case "truncate":
		return unix.Truncate(arg, 0)
	case "rename":
		from, to, _ := strings.Cut(arg, " ")
		return unix.Rename(from, to)
	case "exec":
		return exec.Command(arg).Run()
	case "connect", "bind":
		port, _ := strconv.Atoi(arg)
		s, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM, 0)
		if err != nil {
			return err
		}
		defer unix.Close(s)
		addr := &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}, Port: port}
		if what == "bind" {
			return unix.Bind(s, addr)
		}
		return unix.Connect(s, addr)
	case "signal":
		pid, _ := strconv.Atoi(arg)
		return unix.Kill(pid, 0)
	}
	return errors.New("what?")
}

func opened(path string, flags int) error {
	fd, err := unix.Open(path, flags, 0o600)
	if err == nil {
		unix.Close(fd)
	}
	return err
}

func needABI(t *testing.T, least ABI) {
	t.Helper()
	abi, err := Probe()
	if abi < least {
		t.Skipf("needs Landlock ABI %d, the kernel has %d (%v)", least, abi, err)
	}
}

// enforce makes the ruleset and checks the outcome of each thing tried under it.
func enforce(t *testing.T, s *Ruleset, want map[string]string) {
	t.Helper()
	f, _, err := s.Create()
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var tries []string
	for what := range want {
		tries = append(tries, what)
	}
	cmd := exec.Command("/proc/self/exe")
	cmd.Env = append(os.Environ(), "LANDLOCK_TRY="+strings.Join(tries, "\n"))
	cmd.ExtraFiles = []*os.File{f}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for what, result := range want {
		if !strings.Contains("\n"+string(out), "\n"+what+": "+result+"\n") {
			t.Errorf("want %q of %q in\n%s", result, what, out)
		}
	}
}

func tree(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, d := range []string{"ro", "rw", "rw2", "no"} {
		if err := os.Mkdir(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
		for _, f := range []string{"f", "moves"} {
			if err := os.WriteFile(filepath.Join(dir, d, f), []byte("x"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}
	return dir
}

func TestPathsAreEnforced(t *testing.T) {
	needABI(t, 3)
	d := tree(t)
	rules := []Rule{{Kind: ReadOnly, Path: d + "/ro"}, {Kind: ReadWrite, Path: d + "/rw"},
		{Kind: ReadWrite, Path: d + "/rw2"}, {Kind: ReadWrite, Path: "/dev/null"},
		{Kind: Execute, Path: "/usr"}, {Kind: Execute, Path: "/lib64"}}
	enforce(t, &Ruleset{Rules: rules, AllowLess: true}, map[string]string{
		"read " + d + "/ro/f":                       "ok",
		"write " + d + "/ro/f":                      "EACCES",
		"truncate " + d + "/ro/f":                   "EACCES",
		"create " + d + "/ro/new":                   "EACCES",
		"read " + d + "/no/f":                       "EACCES",
		"read " + d + "/rw/f":                       "ok",
		"write " + d + "/rw/f":                      "ok",
		"truncate " + d + "/rw/f":                   "ok",
		"create " + d + "/rw/new":                   "ok",
		"rename " + d + "/rw/moves " + d + "/rw2/g": "ok",
		"rename " + d + "/rw2/moves " + d + "/ro/g": "EACCES",
		"exec /usr/bin/true":                        "ok",
		"write /dev/null":                           "ok",
		"read /etc/passwd":                          "EACCES",
		"read " + d + "/ro/../no/f":                 "EACCES",
	})
}

func TestReadingIsNotExecuting(t *testing.T) {
	needABI(t, 1)
	enforce(t, &Ruleset{Rules: []Rule{{Kind: ReadWrite, Path: "/"}}, AllowLess: true}, map[string]string{
		"exec /usr/bin/true": "EACCES", "read /etc/passwd": "ok",
	})
}

func TestPortsAreEnforced(t *testing.T) {
	needABI(t, 4)
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	l2, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l2.Close()
	open, shut := l.Addr().(*net.TCPAddr).Port, l2.Addr().(*net.TCPAddr).Port
	rules := []Rule{{Kind: ConnectTCP, Port: uint16(open)}, {Kind: BindTCP, Port: 0}}
	enforce(t, &Ruleset{Rules: rules}, map[string]string{
		"connect " + strconv.Itoa(open): "ok", "connect " + strconv.Itoa(shut): "EACCES",
		"bind 0": "ok", "bind 39999": "EACCES",
		"read /etc/passwd": "ok", // files are not restricted by rules for ports
	})
	enforce(t, &Ruleset{TCP: true}, map[string]string{"connect " + strconv.Itoa(open): "EACCES"})
}

func TestSignalsAreScoped(t *testing.T) {
	needABI(t, 6)
	enforce(t, &Ruleset{Signals: true}, map[string]string{"signal " + strconv.Itoa(os.Getpid()): "EPERM"})
}

// Paths are looked up below Root, and nothing leads out of it.
func TestRoot(t *testing.T) {
	needABI(t, 3)
	d := tree(t)
	if err := os.Symlink("/../../../../../../../../ro", d+"/link"); err != nil {
		t.Fatal(err)
	}
	root, err := os.Open(d)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	enforce(t, &Ruleset{Root: root, Rules: []Rule{{Kind: ReadOnly, Path: "/link"}}, AllowLess: true}, map[string]string{
		"read " + d + "/ro/f": "ok", "read " + d + "/rw/f": "EACCES",
	})
	_, _, err = (&Ruleset{Root: root, Rules: []Rule{{Kind: ReadOnly, Path: "/etc/passwd", Field: "landlock[0]"}}, AllowLess: true}).Create()
	if !errors.Is(err, unix.ENOENT) || !strings.HasPrefix(err.Error(), "landlock[0]: allow ro:/etc/passwd: openat2: ") {
		t.Errorf("got %v", err)
	}
}

func TestPlanByABI(t *testing.T) {
	s := &Ruleset{FS: true, TCP: true, Signals: true, AbstractUnix: true, AllowLess: true}
	for _, c := range []struct {
		abi             ABI
		fs, net, scoped uint64
		missing         int
	}{
		{1, 0x1fff, 0, 0, 5}, {2, 0x3fff, 0, 0, 5}, {3, 0x7fff, 0, 0, 4}, {4, 0x7fff, 3, 0, 3},
		{5, 0xffff, 3, 0, 2}, {6, 0xffff, 3, 3, 0}, {7, 0xffff, 3, 3, 0},
	} {
		got, err := s.plan(c.abi)
		if err != nil || got.FS != c.fs || got.Net != c.net || got.Scoped != c.scoped || len(got.Missing) != c.missing {
			t.Errorf("ABI %d: %+v, %v", c.abi, got, err)
		}
	}
	strict := &Ruleset{FS: true}
	if _, err := strict.plan(2); err == nil || !strings.Contains(err.Error(), "truncating files") {
		t.Errorf("less than asked for was accepted: %v", err)
	}
	if _, err := strict.plan(7); err != nil {
		t.Error(err)
	}
}

func TestNothingToRestrict(t *testing.T) {
	needABI(t, 1)
	f, _, err := (&Ruleset{}).Create()
	if f != nil || err != nil {
		t.Errorf("%v, %v", f, err)
	}
}

func TestParseRule(t *testing.T) {
	for text, want := range map[string]Rule{
		"ro:/usr": {Kind: ReadOnly, Path: "/usr"}, "rw:/a:b": {Kind: ReadWrite, Path: "/a:b"}, "exec:/bin": {Kind: Execute, Path: "/bin"},
		"bind:0": {Kind: BindTCP}, "connect:443": {Kind: ConnectTCP, Port: 443}, "bind:65535": {Kind: BindTCP, Port: 65535},
	} {
		got, err := ParseRule(text, "")
		if err != nil || got != want || got.String() != text {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "/usr", "ro:", "ro:usr", "wo:/usr", "connect:0", "bind:65536", "bind:", "bind:+1", "bind:-1", "bind:http", "bind:000001", "ro:/a\x00", "invalid:/x"} {
		if r, err := ParseRule(text, "--landlock"); err == nil || !strings.HasPrefix(err.Error(), "--landlock: ") {
			t.Errorf("%q: %+v, %v", text, r, err)
		}
	}
}

func TestDescribe(t *testing.T) {
	s := &Ruleset{Rules: []Rule{{Kind: ReadOnly, Path: "/usr"}}, TCP: true, Signals: true, AllowLess: true}
	c, _ := s.plan(4)
	want := []string{"files: only ro:/usr", "TCP: only nothing",
		"not restricted: ioctl on devices that are open to reading or writing (Linux 6.10)", "not restricted: signals (Linux 6.12)"}
	if got := s.Describe(c); !reflect.DeepEqual(got, want) {
		t.Errorf("got %q", got)
	}
}
