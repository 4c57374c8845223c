// completion: print a script that makes a shell complete commands, flags and container ids. The
// scripts are made from the command definitions, and need the program only for the ids.

package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/urfave/cli/v2"
)

func completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print the completion script for a shell",
		ArgsUsage: "bash|zsh|fish",
		Description: "bash: sandbox-runtime completion bash >/etc/bash_completion.d/sandbox-runtime\n" +
			"zsh: sandbox-runtime completion zsh >/usr/local/share/zsh/site-functions/_sandbox-runtime\n" +
			"fish: sandbox-runtime completion fish >~/.config/fish/completions/sandbox-runtime.fish",
		Action: func(c *cli.Context) error {
			if c.NArg() != 1 {
				return usage(fmt.Errorf("completion: want one of bash, zsh, fish"))
			}
			write := map[string]func(io.Writer, *cli.App) error{
				"bash": bashCompletion, "zsh": zshCompletion, "fish": fishCompletion,
			}[c.Args().First()]
			if write == nil {
				return usage(fmt.Errorf("completion: unknown shell %q: want bash, zsh or fish", c.Args().First()))
			}
			return write(c.App.Writer, c.App)
		},
	}
}

// flagDoc is what completion and man pages need of a flag.
type flagDoc struct {
	names []string // without dashes, the long one first
	value bool     // takes a value
	usage string
	deflt string
}

// flagDocs lists the flags that are not hidden, and --help, which cli adds by itself.
func flagDocs(flags []cli.Flag) []flagDoc {
	var docs []flagDoc
	help := false
	for _, f := range flags {
		if v, ok := f.(cli.VisibleFlag); ok && !v.IsVisible() {
			continue
		}
		d := flagDoc{names: f.Names()}
		if g, ok := f.(cli.DocGenerationFlag); ok {
			d.value, d.usage = g.TakesValue(), g.GetUsage()
			if d.value {
				d.deflt = strings.Trim(g.GetDefaultText(), `"`)
			}
		}
		help = help || d.names[0] == "help"
		docs = append(docs, d)
	}
	if !help {
		docs = append(docs, flagDoc{names: []string{"help", "h"}, usage: "show help"})
	}
	return docs
}

func visibleCommands(app *cli.App) []*cli.Command {
	var list []*cli.Command
	for _, c := range app.Commands {
		if !c.Hidden && c.Name != "help" {
			list = append(list, c)
		}
	}
	return list
}

func subcommandNames(c *cli.Command) []string {
	var names []string
	for _, s := range c.Subcommands {
		if !s.Hidden && s.Name != "help" {
			names = append(names, s.Name)
		}
	}
	return names
}

// takesID says whether a command's first argument is the id of an existing container.
func takesID(c *cli.Command) bool {
	return strings.HasPrefix(c.ArgsUsage, "CONTAINER") && c.Name != "create" && c.Name != "run" && c.Name != "restore"
}

func dashed(name string) string {
	if len(name) == 1 {
		return "-" + name
	}
	return "--" + name
}

func flagWords(flags []flagDoc, valueOnly bool) string {
	var words []string
	for _, f := range flags {
		for _, n := range f.names {
			if f.value || !valueOnly {
				words = append(words, dashed(n))
			}
		}
	}
	return strings.Join(words, " ")
}

func bashCompletion(w io.Writer, app *cli.App) error {
	var b strings.Builder
	global := flagDocs(app.Flags)
	var names []string
	for _, c := range visibleCommands(app) {
		names = append(names, c.Name)
	}
	fmt.Fprintf(&b, `# bash completion for %[1]s
_sandbox_runtime() {
    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} cmd= at=1 flags= values= ids= words=
    local globals="%[2]s" globalvalues=" %[3]s "
    while [ $at -lt $COMP_CWORD ]; do
        case ${COMP_WORDS[at]} in
        -*) [[ $globalvalues == *" ${COMP_WORDS[at]} "* ]] && at=$((at + 1)) ;;
        *) cmd=${COMP_WORDS[at]}; break ;;
        esac
        at=$((at + 1))
    done
    COMPREPLY=()
    case $cmd in
    "")
        if [[ $globalvalues == *" $prev "* ]]; then
            COMPREPLY=($(compgen -f -- "$cur"))
        elif [[ $cur == -* ]]; then
            COMPREPLY=($(compgen -W "$globals" -- "$cur"))
        else
            COMPREPLY=($(compgen -W "%[4]s" -- "$cur"))
        fi
        return ;;
`, app.Name, flagWords(global, false), flagWords(global, true), strings.Join(names, " "))
	for _, c := range visibleCommands(app) {
		docs := flagDocs(c.Flags)
		ids := ""
		if takesID(c) {
			ids = " ids=1"
		}
		if len(c.Subcommands) > 0 {
			ids = " words=\"" + strings.Join(subcommandNames(c), " ") + "\""
		}
		fmt.Fprintf(&b, "    %s) flags=\"%s\" values=\" %s \"%s ;;\n",
			strings.Join(c.Names(), "|"), flagWords(docs, false), flagWords(docs, true), ids)
	}
	fmt.Fprintf(&b, `    esac
    if [[ $values == *" $prev "* ]]; then
        COMPREPLY=($(compgen -f -- "$cur"))
    elif [[ $cur == -* ]]; then
        COMPREPLY=($(compgen -W "$flags" -- "$cur"))
    elif [ -n "$words" ]; then
        COMPREPLY=($(compgen -W "$words" -- "$cur"))
    elif [ -n "$ids" ]; then
        COMPREPLY=($(compgen -W "$(%[1]s list --quiet 2>/dev/null)" -- "$cur"))
    else
        COMPREPLY=($(compgen -f -- "$cur"))
    fi
}
complete -F _sandbox_runtime %[1]s
`, app.Name)
	_, err := io.WriteString(w, b.String())
	return err
}

// zshSpecs gives the flags as arguments of zsh's _arguments.
func zshSpecs(flags []flagDoc) string {
	var b strings.Builder
	escape := strings.NewReplacer(`'`, `'\''`, `[`, `\[`, `]`, `\]`, `:`, `\:`)
	for _, f := range flags {
		for _, n := range f.names {
			tail := ""
			if f.value {
				tail = ":value:_files"
			}
			fmt.Fprintf(&b, " \\\n            '*%s[%s]%s'", dashed(n), escape.Replace(f.usage), tail)
		}
	}
	return b.String()
}

func zshCompletion(w io.Writer, app *cli.App) error {
	var b strings.Builder
	fmt.Fprintf(&b, `#compdef %[1]s
# zsh completion for %[1]s
_sandbox_runtime_ids() {
    local -a ids
    ids=(${(f)"$(%[1]s list --quiet 2>/dev/null)"})
    compadd -a ids
}
_sandbox_runtime() {
    local line state
    local -a commands
    commands=(
`, app.Name)
	escape := strings.NewReplacer(`'`, `'\''`, `:`, `\:`)
	for _, c := range visibleCommands(app) {
		fmt.Fprintf(&b, "        '%s:%s'\n", c.Name, escape.Replace(c.Usage))
	}
	fmt.Fprintf(&b, `    )
    _arguments -C%s \
            '1:command:->command' '*::argument:->argument'
    case $state in
    command) _describe command commands ;;
    argument)
        case $line[1] in
`, zshSpecs(flagDocs(app.Flags)))
	for _, c := range visibleCommands(app) {
		rest := "'*:file:_files'"
		if takesID(c) {
			rest = "'1:container:_sandbox_runtime_ids' '*:file:_files'"
		}
		fmt.Fprintf(&b, "        %s) _arguments%s \\\n            %s ;;\n", strings.Join(c.Names(), "|"), zshSpecs(flagDocs(c.Flags)), rest)
	}
	fmt.Fprintf(&b, `        esac ;;
    esac
}
if [ "$funcstack[1]" = "_%[1]s" ]; then
    _sandbox_runtime "$@"
else
    compdef _sandbox_runtime %[1]s
fi
`, app.Name)
	_, err := io.WriteString(w, b.String())
	return err
}

func fishCompletion(w io.Writer, app *cli.App) error {
	var b strings.Builder
	quote := func(s string) string {
		return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
	}
	flags := func(condition string, docs []flagDoc) {
		for _, f := range docs {
			fmt.Fprintf(&b, "complete -c %s -n %s", app.Name, quote(condition))
			for _, n := range f.names {
				if len(n) == 1 {
					b.WriteString(" -s " + n)
				} else {
					b.WriteString(" -l " + n)
				}
			}
			if f.value {
				b.WriteString(" -r")
			}
			b.WriteString(" -d " + quote(f.usage) + "\n")
		}
	}
	fmt.Fprintf(&b, "# fish completion for %s\n", app.Name)
	flags("__fish_use_subcommand", flagDocs(app.Flags))
	for _, c := range visibleCommands(app) {
		seen := "__fish_seen_subcommand_from " + strings.Join(c.Names(), " ")
		fmt.Fprintf(&b, "complete -c %s -n __fish_use_subcommand -f -a %s -d %s\n", app.Name, c.Name, quote(c.Usage))
		if takesID(c) {
			fmt.Fprintf(&b, "complete -c %s -n %s -f -a '(%s list --quiet 2>/dev/null)'\n", app.Name, quote(seen), app.Name)
		}
		if len(c.Subcommands) > 0 {
			fmt.Fprintf(&b, "complete -c %s -n %s -f -a %s\n", app.Name, quote(seen), quote(strings.Join(subcommandNames(c), " ")))
		}
		flags(seen, flagDocs(c.Flags))
	}
	_, err := io.WriteString(w, b.String())
	return err
}
