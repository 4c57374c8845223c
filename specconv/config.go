// The bytes of a bundle's config.json, for callers that keep a copy.

package specconv

import "path/filepath"

// ReadConfig reads config.json of a bundle folder, unparsed, with the limit of Load.
func ReadConfig(bundle string) ([]byte, error) {
	return readLimited(filepath.Join(bundle, ConfigName))
}
