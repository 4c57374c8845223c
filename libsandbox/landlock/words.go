// For a ruleset that is not made here but by the confined process itself, inside its own mount
// tree: what is restricted, and each rule in the kernel's words.

package landlock

// FileRights are the rights that make sense for something that is not a directory.
const FileRights = uint64(fileRights)

// Plan says what Create would restrict on this kernel, with the same errors. Without Landlock and
// with AllowLess the result restricts nothing.
func (s *Ruleset) Plan() (Created, error) {
	abi, err := Probe()
	if err != nil && !s.AllowLess {
		return Created{}, err
	}
	return s.plan(abi)
}

// Rights is what a path rule allows, as far as c restricts it.
func (r Rule) Rights(c Created) uint64 { return r.Kind.rights() & c.FS }
