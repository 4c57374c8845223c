// Tests of the check command's flags and output.

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/sandbox-runtime/sandbox-runtime/libsandbox/hostcheck"
	"github.com/sirupsen/logrus"
)

func runApp(args ...string) (string, error) {
	var out bytes.Buffer
	app := newApp(logrus.New())
	app.Writer = &out
	err := app.Run(append([]string{"sandbox-runtime"}, args...))
	return out.String(), err
}

func TestCheckCommand(t *testing.T) {
	text, err := runApp("check")
	var code exitCode
	if err != nil && !errors.As(err, &code) {
		t.Fatal(err)
	}
	if !strings.Contains(text, " kernel ") || (err == nil) != strings.Contains(text, "\ncontainers can run here ") {
		t.Errorf("%v\n%s", err, text)
	}
	doc, jerr := runApp("check", "--format", "json")
	var r hostcheck.Report
	if err := json.Unmarshal([]byte(doc), &r); err != nil || len(r.Checks) < 20 || r.OK != (jerr == nil) {
		t.Errorf("%v, %v\n%s", err, jerr, doc)
	}
	for _, args := range [][]string{{"check", "--format", "xml"}, {"check", "extra"}} {
		_, err := runApp(args...)
		var u usageError
		if !errors.As(err, &u) {
			t.Errorf("%v: %v", args, err)
		}
	}
}
