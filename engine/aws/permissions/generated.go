package permissions

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Files are the generated files by name, as they must be in infra/generated.
func Files() (map[string][]byte, error) {
	type grants struct {
		Process Process      `json:"process"`
		Allow   []Permission `json:"allow"`
	}
	all := make([]grants, 0, len(Processes()))
	for _, p := range Processes() {
		all = append(all, grants{Process: p, Allow: Allowed(p)})
	}
	files := map[string][]byte{}
	for name, value := range map[string]any{"permissions.json": all, "settings.json": Current()} {
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		e.SetIndent("", "  ")
		if err := e.Encode(value); err != nil {
			return nil, fmt.Errorf("writing %s: %w", name, err)
		}
		files[name] = b.Bytes()
	}
	return files, nil
}
