package libsandbox_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
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

func ExampleCmd_Start() {
	cmd := libsandbox.Command("sh", "-c", "echo $0 in the background", "works")
	cmd.Stdout = os.Stdout
	if err := cmd.Start(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(cmd.Process.Pid > 0, cmd.Wait())
	// Unordered output:
	// works in the background
	// true <nil>
}

func ExampleCmd_Wait() {
	cmd := libsandbox.Command("sh", "-c", "exit 3")
	if err := cmd.Start(); err != nil {
		fmt.Println(err)
		return
	}
	err := cmd.Wait()
	var exit *libsandbox.ExitError
	fmt.Println(errors.As(err, &exit), err, cmd.Result.ExitCode)
	// Output: true exit status 3 3
}

func ExampleCmd_Run() {
	cmd := libsandbox.Command("cat", "/etc/shadow") // not in the sandbox
	cmd.Stderr = os.Stdout
	fmt.Println(cmd.Run())
	// Output:
	// cat: /etc/shadow: No such file or directory
	// exit status 1
}

func ExampleCmd_Output() {
	out, err := libsandbox.Command("uname", "-n").Output()
	fmt.Printf("%s%v\n", out, err)
	// Output:
	// sandbox
	// <nil>
}

func ExampleCmd_CombinedOutput() {
	out, err := libsandbox.Command("sh", "-c", "echo out; echo err >&2").CombinedOutput()
	fmt.Printf("%s%v\n", out, err)
	// Output:
	// out
	// err
	// <nil>
}

func ExampleCmd_StdinPipe() {
	cmd := libsandbox.Command("wc", "-c")
	cmd.Stdout = os.Stdout
	in, err := cmd.StdinPipe()
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := cmd.Start(); err != nil {
		fmt.Println(err)
		return
	}
	fmt.Fprint(in, "twelve bytes")
	in.Close()
	fmt.Println(cmd.Wait())
	// Output:
	// 12
	// <nil>
}

func ExampleCmd_StdoutPipe() {
	cmd := libsandbox.Command("seq", "3")
	out, err := cmd.StdoutPipe()
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := cmd.Start(); err != nil {
		fmt.Println(err)
		return
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		fmt.Println("line", lines.Text())
	}
	fmt.Println(cmd.Wait())
	// Output:
	// line 1
	// line 2
	// line 3
	// <nil>
}

func ExampleCmd_StderrPipe() {
	cmd := libsandbox.Command("sh", "-c", "echo trouble >&2")
	errs, err := cmd.StderrPipe()
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := cmd.Start(); err != nil {
		fmt.Println(err)
		return
	}
	text, _ := io.ReadAll(errs)
	fmt.Printf("%s%v\n", text, cmd.Wait())
	// Output:
	// trouble
	// <nil>
}

func ExampleCmd_Environ() {
	cmd := libsandbox.Command("env")
	cmd.Env = []string{"HOME=/data", "MODE=test"}
	for _, e := range cmd.Environ() {
		if strings.HasPrefix(e, "HOME=") || strings.HasPrefix(e, "MODE=") {
			fmt.Println(e)
		}
	}
	// Output:
	// HOME=/data
	// MODE=test
}

func ExampleCmd_String() {
	fmt.Println(libsandbox.Command("ls", "-l", "/tmp"))
	// Output: ls -l /tmp
}

func ExampleCmdProcess_Signal() {
	cmd := libsandbox.Command("sh", "-c", "trap 'echo asked to stop; exit 0' TERM; echo ready; while :; do sleep 0.02; done")
	out, err := cmd.StdoutPipe()
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := cmd.Start(); err != nil {
		fmt.Println(err)
		return
	}
	for lines := bufio.NewScanner(out); lines.Scan(); {
		fmt.Println(lines.Text())
		if lines.Text() == "ready" {
			_ = cmd.Process.Signal(syscall.SIGTERM)
		}
	}
	fmt.Println(cmd.Wait())
	// Output:
	// ready
	// asked to stop
	// <nil>
}

func ExampleCmdProcess_Kill() {
	cmd := libsandbox.Command("sh", "-c", "trap '' TERM; sleep 60 & sleep 60")
	if err := cmd.Start(); err != nil {
		fmt.Println(err)
		return
	}
	_ = cmd.Process.Kill() // the shell and both sleepers
	fmt.Println(cmd.Wait())
	// Output: signal: killed
}

func ExampleCmdProcess_Stats() {
	cmd := libsandbox.Command("sleep", "60")
	if err := cmd.Start(); err != nil {
		fmt.Println(err)
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for s := range cmd.Process.Stats(ctx, 10*time.Millisecond) {
		if s.Memory > 0 && s.Pids >= 1 {
			fmt.Println("it runs")
			_ = cmd.Process.Kill()
			break
		}
	}
	fmt.Println(cmd.Wait())
	// Output:
	// it runs
	// signal: killed
}

func ExampleExitError() {
	_, err := libsandbox.Command("sh", "-c", "echo the reason >&2; exit 2").Output()
	var exit *libsandbox.ExitError
	if errors.As(err, &exit) {
		fmt.Printf("%v: %s", exit, exit.Stderr)
	}
	// Output: exit status 2: the reason
}

func ExampleExitError_Error() {
	cmd := libsandbox.Command("sleep", "60")
	cmd.Timeout = 50 * time.Millisecond
	fmt.Println(cmd.Run())
	// Output: timed out
}

func ExampleResult_Code() {
	r, err := libsandbox.Execute(context.Background(), libsandbox.ProcessConfig{Program: "sh", Args: []string{"-c", "kill -TERM $$"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(r.ExitCode, r.Signal, r.Code())
	// Output: -1 terminated 143
}

func ExampleResult_Success() {
	for _, program := range []string{"true", "false"} {
		r, err := libsandbox.Execute(context.Background(), libsandbox.ProcessConfig{Program: program})
		if err != nil {
			fmt.Println(err)
			return
		}
		fmt.Println(program, r.Success())
	}
	// Output:
	// true true
	// false false
}

func ExamplePresets() {
	fmt.Println(libsandbox.Presets())
	// Output: [strict moderate permissive]
}

func ExampleStream_Next() {
	s, err := libsandbox.StartStream(context.Background(), libsandbox.ProcessConfig{Program: "echo", Args: []string{"one piece"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	for {
		e, err := s.Next()
		if err == io.EOF {
			break
		}
		fmt.Printf("%s %s\n", e.Kind, strings.TrimSpace(string(e.Data)))
	}
	// Output:
	// stdout one piece
	// exit
}

func ExampleStream_Try() {
	s, err := libsandbox.StartStream(context.Background(), libsandbox.ProcessConfig{Program: "sleep", Args: []string{"60"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	_, ok, err := s.Try() // does not wait
	fmt.Println(ok, err)
	// Output: false <nil>
}

func ExampleStream_C() {
	s, err := libsandbox.StartStream(context.Background(), libsandbox.ProcessConfig{Program: "sleep", Args: []string{"60"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer s.Close()
	select {
	case e := <-s.C():
		fmt.Println(e.Kind)
	case <-time.After(20 * time.Millisecond):
		fmt.Println("nothing yet")
	}
	// Output: nothing yet
}

func ExampleStream_All() {
	s, err := libsandbox.StartStream(context.Background(), libsandbox.ProcessConfig{Program: "yes"})
	if err != nil {
		fmt.Println(err)
		return
	}
	for e := range s.All() {
		fmt.Println(e.Kind, len(e.Data) > 0)
		break // ends the sandbox
	}
	// Output: stdout true
}

func ExampleStream_Signal() {
	s, err := libsandbox.StartStream(context.Background(), libsandbox.ProcessConfig{Program: "sleep", Args: []string{"60"}})
	if err != nil {
		fmt.Println(err)
		return
	}
	_ = s.Signal(syscall.SIGTERM)
	for e := range s.All() {
		fmt.Println(e.Kind, e.Result.Signal)
	}
	// Output: exit terminated
}

func ExampleStream_Close() {
	s, err := libsandbox.StartStream(context.Background(), libsandbox.ProcessConfig{Program: "yes"})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(s.Close()) // nothing of it is left when this returns
	// Output: <nil>
}

func ExampleDeniedPath() {
	r, err := libsandbox.Execute(context.Background(), libsandbox.ProcessConfig{
		Program: "sh", Args: []string{"-c", "cat /etc/fstab /etc/hostname 2>/dev/null; echo x 2>/dev/null >/usr/x"}, WatchDenied: true})
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, d := range r.DeniedPaths {
		if d.Reason == "read-only" {
			fmt.Println(d.Access, d.Path, d.Reason)
		}
	}
	// Output: create /usr/x read-only
}
