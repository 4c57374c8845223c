package libsandbox_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox"
	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/landlock"
)

func ExampleExecute() {
	r, err := libsandbox.Execute(context.Background(), libsandbox.ProcessConfig{
		Program: "sh", Args: []string{"-c", "echo hello from $(uname -n); exit 3"},
		Stdout:  os.Stdout,
		Timeout: 10 * time.Second,
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.Code())
	// Output:
	// hello from sandbox
	// 3
}

func ExampleCommand() {
	cmd := libsandbox.Command("tr", "a-z", "A-Z")
	cmd.Stdin = strings.NewReader("as with os/exec")
	out, err := cmd.Output()
	fmt.Printf("%s %v\n", out, err)
	// Output: AS WITH OS/EXEC <nil>
}

func ExampleCommandContext() {
	ctx, cancel := context.WithTimeout(context.Background(), 200*time.Millisecond)
	defer cancel()
	err := libsandbox.CommandContext(ctx, "sh", "-c", "trap '' TERM; sleep 60 & sleep 60").Run()
	fmt.Println(err)
	// Output: context deadline exceeded
}

func ExampleErrNotFound() {
	_, err := libsandbox.Execute(context.Background(), libsandbox.ProcessConfig{Program: "no-such-program"})
	fmt.Println(errors.Is(err, libsandbox.ErrNotFound))
	// Output: true
}

func ExampleStartStream() {
	s, err := libsandbox.StartStream(context.Background(), libsandbox.ProcessConfig{
		Program: "sh", Args: []string{"-c", "echo one; sleep 0.1; echo two"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for e := range s.All() {
		switch e.Kind {
		case libsandbox.StdoutEvent:
			fmt.Printf("%s", e.Data)
		case libsandbox.ExitEvent:
			fmt.Println("exit", e.Result.Code())
		}
	}
	// Output:
	// one
	// two
	// exit 0
}

func ExamplePreset() {
	c, err := libsandbox.Preset("strict")
	if err != nil {
		fmt.Println(err)
		return
	}
	c.Limits.AllowWeaker = true // whatever this host has
	c.Program, c.Args = "sh", []string{"-c", "ulimit -n"}
	c.Stdout = os.Stdout
	if _, err := libsandbox.Execute(context.Background(), c); err != nil {
		fmt.Println(err)
	}
	// Output: 256
}

func ExampleSystemRules() {
	cmd := libsandbox.Command("sh", "-c", "cat /etc/hostname 2>/dev/null || echo not visible; ls /usr/share >/dev/null && echo visible")
	cmd.Landlock = &landlock.Ruleset{Rules: libsandbox.SystemRules(), AllowLess: true}
	out, err := cmd.CombinedOutput()
	fmt.Printf("%s%v\n", out, err)
	// Output:
	// not visible
	// visible
	// <nil>
}

func ExampleProfileAllowing() {
	fmt.Println(libsandbox.ProfileAllowing("read"), libsandbox.ProfileAllowing("socket"), libsandbox.ProfileAllowing("mount"))
	// Output: essential network unrestricted
}

func ExampleExplainProcess() {
	p, _, err := libsandbox.ExplainProcess(libsandbox.ProcessConfig{Program: "true"})
	if err != nil {
		fmt.Println(err)
		return
	}
	last := ""
	for i := range p.Steps {
		if p.Steps[i].Name == "execve" {
			last = p.Format(i)
		}
	}
	fmt.Println(last)
	// Output: execve("/usr/bin/true", [true], process.env)
}
