// Tests of completion and manual pages, by the shells and by man(1) themselves.

package main

import (
	"os"
	osexec "os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// completionScript writes a shell's script into a folder that also holds a sandbox-runtime whose
// `list --quiet` knows two containers.
func completionScript(t *testing.T, shell string) (dir, script string) {
	t.Helper()
	if _, err := osexec.LookPath(shell); err != nil {
		t.Skip(shell + " is not installed")
	}
	text, err := runApp("completion", shell)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	script = filepath.Join(dir, "script")
	if err := os.WriteFile(script, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	fake := "#!/bin/sh\n[ \"$1 $2\" = 'list --quiet' ] && printf 'web1\\nweb2\\n'\n"
	if err := os.WriteFile(filepath.Join(dir, "sandbox-runtime"), []byte(fake), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir, script
}

func shell(t *testing.T, dir string, args ...string) string {
	t.Helper()
	cmd := osexec.Command(args[0], args[1:]...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "HOME="+dir, "XDG_CONFIG_HOME="+dir)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %v\n%s", args, err, out)
	}
	return string(out)
}

func TestBashCompletion(t *testing.T) {
	dir, script := completionScript(t, "bash")
	for line, want := range map[string]string{
		"sandbox-runtime sta":                 "start state",
		"sandbox-runtime --root /x --debug k": "kill",
		"sandbox-runtime --log-f":             "--log-format",
		"sandbox-runtime create --bun":        "--bundle",
		"sandbox-runtime exec we":             "web1 web2",
		"sandbox-runtime exec --bundle":       "",
		"sandbox-runtime kill web2":           "web2",
		"sandbox-runtime completion --h":      "--help",
		"sandbox-runtime create --bundle scr": "script",
		"sandbox-runtime run we":              "", // a new id: nothing to offer
	} {
		got := shell(t, dir, "bash", "-c", `. "$0"; COMP_WORDS=($1); COMP_CWORD=$((${#COMP_WORDS[@]}-1)); _sandbox_runtime; echo "${COMPREPLY[@]}"`, script, line)
		if strings.TrimSpace(got) != want {
			t.Errorf("%q: got %q, want %q", line, strings.TrimSpace(got), want)
		}
	}
}

func TestFishCompletion(t *testing.T) {
	dir, script := completionScript(t, "fish")
	for line, want := range map[string]string{
		"sandbox-runtime sta":                 "start\nstate\n",
		"sandbox-runtime create --bun":        "--bundle\n",
		"sandbox-runtime exec we":             "web1\nweb2\n",
		"sandbox-runtime create --bundle scr": "script\n",
	} {
		got := shell(t, dir, "fish", "-c", "source "+script+"; complete -C '"+line+"' | string split -f1 \\t; true")
		if got != want {
			t.Errorf("%q: got %q, want %q", line, got, want)
		}
	}
}

func TestZshCompletion(t *testing.T) {
	dir, script := completionScript(t, "zsh")
	shell(t, dir, "zsh", "-n", script)
	got := shell(t, dir, "zsh", "-f", "-c", `autoload -U compinit; compinit -u -D; . `+script+`; print ${_comps[sandbox-runtime]}; typeset -f _sandbox_runtime | grep -c -- --bundle`)
	if lines := strings.Fields(got); len(lines) != 2 || lines[0] != "_sandbox_runtime" || lines[1] == "0" {
		t.Errorf("got %q", got)
	}
}

func TestCompletionErrors(t *testing.T) {
	for _, args := range [][]string{{"completion"}, {"completion", "csh"}, {"completion", "bash", "zsh"}, {"man", "nonsense"}} {
		if out, err := runApp(args...); err == nil || out != "" {
			t.Errorf("%v: %v, %q", args, err, out)
		}
	}
}

// Every visible command has a page, man(1) finds nothing to complain about, and each flag is in it.
func TestManPages(t *testing.T) {
	dir := t.TempDir()
	if _, err := runApp("man", "--dir", dir); err != nil {
		t.Fatal(err)
	}
	app := newApp(nil)
	main, err := os.ReadFile(filepath.Join(dir, "sandbox-runtime.8"))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range visibleCommands(app) {
		if !strings.Contains(string(main), "\n.B "+roff(c.Name)+"\n") {
			t.Errorf("%s is not in the main page", c.Name)
		}
		page, err := os.ReadFile(filepath.Join(dir, "sandbox-runtime-"+c.Name+".8"))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, f := range flagDocs(c.Flags) {
			if !strings.Contains(string(page), `\fB`+roff(dashed(f.names[0]))+`\fR`) {
				t.Errorf("%s: no %s in the page", c.Name, f.names[0])
			}
		}
	}
	if _, err := osexec.LookPath("groff"); err != nil {
		t.Skip("groff is not installed: the pages' markup is not checked")
	}
	pages, _ := filepath.Glob(filepath.Join(dir, "*.8"))
	for _, p := range pages {
		out, err := osexec.Command("groff", "-man", "-Tutf8", "-ww", "-z", p).CombinedOutput()
		if err != nil || len(out) > 0 {
			t.Errorf("%s: %v %s", filepath.Base(p), err, out)
		}
	}
}

func TestRoff(t *testing.T) {
	for in, want := range map[string]string{".so x": `\&.so x`, "'x": `\&'x`, `a\b-c`: `a\eb\-c`, "a\nb": "a b"} {
		if got := roff(in); got != want {
			t.Errorf("%q: %q", in, got)
		}
	}
}
