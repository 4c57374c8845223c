// Command seccomp measures what a seccomp profile adds to `run`: the same bundle without and with
// it, with every runtime, interleaved. It is started by bench/seccomp/run.
//
// usage: seccomp --bundle DIR --profile FILE [--rounds N] NAME=PATH...
//
// Of the two bundles' times the difference of minima and the median of the differences within a
// round are printed: they are taken right after each other, so what else the machine does hits both.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

type runtime struct {
	name, path, root string
	plain, with      []time.Duration
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "seccomp:", err)
		os.Exit(1)
	}
}

func run() error {
	bundle := flag.String("bundle", "", "`DIR` of a bundle whose program ends at once")
	profile := flag.String("profile", "", "`FILE` with a linux.seccomp object")
	rounds := flag.Int("rounds", 60, "rounds after three to warm up")
	flag.Parse()
	work, err := os.MkdirTemp("/run", "sandbox-runtime-bench.")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	plain, with, err := bundles(*bundle, *profile, work)
	if err != nil {
		return err
	}
	var list []*runtime
	for _, a := range flag.Args() {
		name, path, ok := strings.Cut(a, "=")
		if !ok {
			return errors.New("want NAME=PATH")
		}
		list = append(list, &runtime{name: name, path: path, root: filepath.Join(work, name)})
	}
	const warmUp = 3
	for n := range *rounds + warmUp {
		for i := range list {
			r := list[(i+n)%len(list)]
			a, b := plain, with
			if n%2 == 1 {
				a, b = b, a
			}
			ta, err := r.once(a)
			if err != nil {
				return err
			}
			tb, err := r.once(b)
			if err != nil {
				return err
			}
			if n%2 == 1 {
				ta, tb = tb, ta
			}
			if n >= warmUp {
				r.plain, r.with = append(r.plain, ta), append(r.with, tb)
			}
		}
	}
	table(list)
	return nil
}

// bundles makes two beside each other from one: without and with the profile.
func bundles(bundle, profile, work string) (plain, with string, err error) {
	var spec, section map[string]any
	for path, to := range map[string]*map[string]any{filepath.Join(bundle, "config.json"): &spec, profile: &section} {
		text, err := os.ReadFile(path)
		if err == nil {
			err = json.Unmarshal(text, to)
		}
		if err != nil {
			return "", "", fmt.Errorf("%s: %w", path, err)
		}
	}
	rootfs, err := filepath.Abs(filepath.Join(bundle, "rootfs"))
	if err != nil {
		return "", "", err
	}
	spec["root"].(map[string]any)["path"] = rootfs
	linux := spec["linux"].(map[string]any)
	write := func(name string) string {
		dir := filepath.Join(work, name)
		text, merr := json.MarshalIndent(spec, "", "\t")
		err = errors.Join(err, merr, os.Mkdir(dir, 0o755), os.WriteFile(filepath.Join(dir, "config.json"), text, 0o644))
		return dir
	}
	delete(linux, "seccomp")
	plain = write("plain")
	linux["seccomp"] = section
	with = write("with")
	return plain, with, err
}

// once is one `run`, from before its fork until it has been waited for.
func (r *runtime) once(bundle string) (time.Duration, error) {
	cmd := exec.Command(r.path, "--root", r.root, "run", "--bundle", bundle, "bench-seccomp-"+r.name)
	cmd.Env = []string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin"}
	errs, err := os.CreateTemp("", "stderr")
	if err != nil {
		return 0, err
	}
	defer os.Remove(errs.Name())
	defer errs.Close()
	cmd.Stderr = errs // a file: a pipe would have to be read to its end
	begin := time.Now()
	if err := cmd.Run(); err != nil {
		out, _ := os.ReadFile(errs.Name())
		return 0, fmt.Errorf("%s run: %w: %s", r.name, err, out)
	}
	return time.Since(begin), nil
}

func table(list []*runtime) {
	fmt.Print("| `run`, ms | without, min / median | with, min / median | added: minima | added: median of pairs |\n|---|---|---|---|---|\n")
	ms := func(d time.Duration) float64 { return float64(d) / 1e6 }
	for _, r := range list {
		var added []time.Duration
		for i := range r.plain {
			added = append(added, r.with[i]-r.plain[i])
		}
		for _, l := range [][]time.Duration{r.plain, r.with, added} {
			slices.Sort(l)
		}
		m := len(added) / 2
		fmt.Printf("| %s | %.2f / %.2f | %.2f / %.2f | %.2f | %.2f |\n", r.name, ms(r.plain[0]), ms(r.plain[m]),
			ms(r.with[0]), ms(r.with[m]), ms(r.with[0]-r.plain[0]), ms(added[m]))
	}
}
