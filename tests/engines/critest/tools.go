//go:build tools

package critest

import _ "github.com/kubernetes-sigs/cri-tools/pkg/validate"
